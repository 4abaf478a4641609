"""Looking at every node of a cluster before it is given work: what it has, whether its data are the sweep's, and how
fast it trains the recipe's own model. Slow and broken nodes are set aside in the store, where schedulers see it.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.executor import Executor, Node, Task, Unplaceable
from jobs.events import Failed, Finished
from jobs.machine.facts import DataPlaces, Facts
from jobs.spec import Order
from jobs.stages.request import DocumentSet
from jobs.stages.train import TRAIN
from jobs.store import NodeRecord, Store
from sweeps.spec.orders import Measurement
from sweeps.spec.sweep import Sweep

LEAST_FREE_BYTES = 10 * 2**30
CLOCK_SECONDS = 5.0
SLOW = 0.85
"""A node slower than this part of the median of its class is set aside: on equal GPUs a few per cent are usual."""
LIMIT_FACTOR = 10.0
"""A probe that takes this much longer than it may train has failed; loading and compiling are in it."""


@dataclass(slots=True)
class Examined:
    """What was found of one node."""

    name: str
    host: str
    found: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    busy: bool = False
    """Whether its slots were in use, so that it could not be probed."""
    steps_per_second: float | None = None
    kind: str = ""

    @property
    def good(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "host": self.host, "good": self.good, "reason": "; ".join(self.problems),
            "found": self.found,
        }  # fmt: skip


def examine(sweep: Sweep | None, executor: Executor, seconds: float) -> list[Examined]:
    """Look at every node of the cluster that was joined; with a sweep, probe each with its recipe."""
    from cluster.ray.survey import survey

    data = None if sweep is None else _places(sweep)
    answers = survey(data)
    versions = [answer.facts.versions for answer in answers if answer.facts is not None]
    nodes = []
    for answer in answers:
        one = Examined(name=answer.place.name, host=answer.place.host)
        nodes.append(one)
        if answer.facts is None:
            one.problems.append(answer.problem or "no answer")
            continue
        one.kind = answer.facts.machine.slot_class
        wanted = answer.place.slots if answer.place.device == "GPU" else 0
        one.problems += judge(answer.facts, wanted, answer.clock_seconds, versions)
        one.found = _shown(answer.facts, answer.place.slots, answer.clock_seconds)
    if sweep is not None:
        healthy = {one.name: one for one in nodes if one.good}
        probe(sweep, executor, [node for node in executor.nodes() if node.name in healthy], healthy, seconds)
        compare(list(healthy.values()))
    return nodes


def judge(facts: Facts, gpus: int, clock_seconds: float, versions: Sequence[Mapping[str, str]]) -> list[str]:
    """What is wrong with a node.

    Args:
        facts: what it has.
        gpus: GPUs that Ray believes it has.
        clock_seconds: how far its clock is ahead.
        versions: of all nodes; most of them decide what is right.
    """
    found = []
    if gpus > facts.gpus and facts.machine.device.startswith("cuda"):
        found.append(f"Ray counts {gpus} GPUs, torch sees {facts.gpus}")
    if facts.free_bytes < LEAST_FREE_BYTES:
        found.append(f"{facts.free_bytes / 2**30:.1f} GiB of disk are free, {LEAST_FREE_BYTES / 2**30:.0f} needed")
    if abs(clock_seconds) > CLOCK_SECONDS:
        found.append(f"its clock is {clock_seconds:+.0f} s off")
    for name in ("golfsweep", "torch", "ray"):
        usual = statistics.mode(one.get(name, "none") for one in versions)
        if facts.versions.get(name, "none") != usual:
            found.append(f"{name} {facts.versions.get(name, 'none')}, the others have {usual}")
    if facts.problem is not None:
        found.append(facts.problem)
    return found


def probe(
    sweep: Sweep, executor: Executor, nodes: Sequence[Node], examined: Mapping[str, Examined], seconds: float
) -> None:
    """Train the recipe's model on every node at once for some seconds, as a gang like any other."""
    recipe, limit = sweep.spec.recipe, sweep.spec.recipe.train.max_seconds
    short = replace(recipe, train=replace(recipe.train, max_seconds=seconds, steps=None))
    subject = Measurement(recipe=short, seed=0, documents=DocumentSet(split="tune"), entry=None)
    order = sweep.orders().order(TRAIN, subject)
    with tempfile.TemporaryDirectory(prefix="golfsweep-probe-") as folder:
        running = _start(order, executor, nodes, examined, Path(folder))
        until = time.monotonic() + LIMIT_FACTOR * seconds + 120.0
        while running and time.monotonic() < until:
            for task, event in executor.poll(1.0):
                if isinstance(event, Failed) and task in running:
                    running.pop(task).problems.append(f"the probe failed: {event.failure}: {event.reason}")
                elif isinstance(event, Finished) and task in running:
                    one = running.pop(task)
                    one.steps_per_second = event.outputs["steps"] / event.outputs["clocks"]["train_seconds"]
                    one.found["steps_per_second"] = one.steps_per_second
                    one.found["predicted_steps"] = None if limit is None else int(one.steps_per_second * limit)
        for task, one in running.items():
            executor.cancel(task)
            one.problems.append("the probe did not end in time")


def _start(
    order: Order, executor: Executor, nodes: Sequence[Node], examined: Mapping[str, Examined], folder: Path
) -> dict[str, Examined]:
    running = {}
    for node in nodes:
        if node.slots < order.slots:
            examined[node.name].found["probe"] = f"has {node.slots} slots, the recipe needs {order.slots}"
            continue
        task = Task(
            id=f"probe/{node.name[:16]}", stage=TRAIN, order=order, node=node.name, slots=tuple(range(order.slots)),
            workdir=folder / node.name[:16],
        )  # fmt: skip
        try:
            executor.start(task)
        except Unplaceable:
            examined[node.name].busy = True
            examined[node.name].found["probe"] = "its slots are in use"
        else:
            running[task.id] = examined[node.name]
    return running


def compare(nodes: Sequence[Examined]) -> None:
    """Find nodes that are slower than others of their class."""
    for kind in {one.kind for one in nodes}:
        rates = {one.name: one.steps_per_second for one in nodes if one.kind == kind and one.steps_per_second}
        if len(rates) < 2:
            continue
        usual = statistics.median_high(rates.values())
        for one in nodes:
            if one.name in rates and rates[one.name] < SLOW * usual:
                one.problems.append(f"slow: {rates[one.name]:.2f} steps/s, {usual:.2f} are usual for its class")


def write_down(nodes: Sequence[Examined], cluster: str, store: Store, now: float) -> None:
    """Set the bad aside and take the good back; one that could not be probed stays as it was."""
    for one in nodes:
        if one.busy and one.good:
            continue
        reason = "; ".join(one.problems)
        store.put_node(
            NodeRecord(cluster=cluster, name=one.name, host=one.host, good=one.good, reason=reason, checked=now)
        )


def _places(sweep: Sweep) -> DataPlaces:
    data = sweep.data
    return DataPlaces(
        tokens=str(data.tokens), tokenizer=str(data.tokenizer), train_digest=data.train_digest,
        val_digest=data.val_digest, tokenizer_digest=data.tokenizer_digest,
    )  # fmt: skip


def _shown(facts: Facts, slots: int, clock_seconds: float) -> dict[str, Any]:
    return {
        "slots": slots, "device": facts.machine.device, "dtype": facts.machine.dtype, "gpus": facts.gpus,
        "driver": facts.driver, "attention": facts.machine.attention, "flash_attn": facts.flash_attention,
        "free_gib": round(facts.free_bytes / 2**30, 1), "cores": facts.cores, "clock_seconds": round(clock_seconds, 3),
        "versions": dict(facts.versions),
    }  # fmt: skip
