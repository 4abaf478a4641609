"""Checking every node of a cluster before it gets work: its equipment, its copy of the data, its speed.

Slow and broken nodes are quarantined in the store, where every scheduler sees it.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.executor import Executor, Node, Task, Unplaceable
from cluster.ray.supervised import SupervisedRay
from golf.errors import InputError
from jobs.events import Failed, Finished
from jobs.machine.facts import DataPlaces, NodeFacts
from jobs.spec import Order
from jobs.stages.request import DocumentSet
from jobs.stages.train import TRAIN
from jobs.store import NodeRecord, Store
from sweeps.driver.sweep import Sweep
from sweeps.machine.node_checks import find_disagreements, find_problems, usual_software
from sweeps.spec.orders import Measurement
from sweeps.spec.recipe import Recipe

SLOW = 0.85
"""A node slower than this fraction of its class's median is quarantined; equal GPUs differ by a few per cent."""
LIMIT_FACTOR = 10.0
"""A probe fails if it takes this many times its training time; it includes loading and compiling."""


@dataclass(slots=True)
class Examined:
    """A node and what its check showed."""

    name: str
    host: str
    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Why it is quarantined."""
    disagreements: list[str] = field(default_factory=list)
    """What Ray says of it that the machine does not; no reason for quarantine."""
    busy: bool = False
    """Whether its slots were in use, so that no probe could run."""
    steps_per_second: float | None = None
    kind: str = ""

    @property
    def good(self) -> bool:
        return not self.problems and not self.disagreements

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "host": self.host, "good": self.good, "quarantined": bool(self.problems),
            "reason": "; ".join([*self.problems, *self.disagreements]), "found": self.facts,
        }  # fmt: skip


def examine(sweep: Sweep | None, executor: SupervisedRay, seconds: float) -> list[Examined]:
    """Check every node of the joined cluster; with a sweep, also its data, and its speed with the sweep's recipe."""
    if sweep is not None and not isinstance(sweep.spec.recipe, Recipe):
        raise InputError(
            f"sweep {sweep.spec.name}: a script's nodes are checked before its jobs start there; leave its file out"
        )
    data = None if sweep is None else _places(sweep)
    answers = executor.survey(data)
    usual = usual_software(answer.facts for answer in answers if answer.facts is not None)
    nodes = []
    for answer in answers:
        node = Examined(name=answer.place.name, host=answer.place.host)
        nodes.append(node)
        if answer.facts is None:
            node.problems.append(answer.problem or "no answer")
            continue
        node.kind = answer.facts.machine.slot_class
        gpus = answer.place.slots if answer.place.device == "GPU" else 0
        node.problems += find_problems(answer.facts, gpus, answer.clock_seconds, usual)
        node.disagreements += find_disagreements(answer.facts, gpus, answer.place.cpus)
        node.facts = _shown(answer.facts, answer.place.slots, answer.clock_seconds)
    if sweep is not None:
        healthy = {node.name: node for node in nodes if not node.problems}
        probe(sweep, executor, [place for place in executor.nodes() if place.name in healthy], healthy, seconds)
        compare(list(healthy.values()))
    return nodes


def probe(
    sweep: Sweep, executor: Executor, nodes: Sequence[Node], examined: Mapping[str, Examined], seconds: float
) -> None:
    """Train the recipe's model for some seconds on every node at once, as an ordinary gang."""
    recipe = sweep.spec.recipe
    assert isinstance(recipe, Recipe)
    limit = recipe.train.max_seconds
    short = replace(recipe, train=replace(recipe.train, max_seconds=seconds, steps=None))
    subject = Measurement(recipe=short, seed=0, documents=DocumentSet(split="tune"), entry=None)
    order = sweep.orders().order(TRAIN, subject)
    with tempfile.TemporaryDirectory(prefix="golfsweep-probe-") as folder:
        running = _start(order, executor, nodes, examined, Path(folder))
        until = time.monotonic() + LIMIT_FACTOR * seconds + 120.0
        while running and time.monotonic() < until:
            for task, event in executor.poll(1.0):
                if isinstance(event, Failed) and task in running:
                    running.pop(task).problems.append(f"the speed test failed: {event.failure}: {event.reason}")
                elif isinstance(event, Finished) and task in running:
                    node = running.pop(task)
                    node.steps_per_second = event.outputs["steps"] / event.outputs["clocks"]["train_seconds"]
                    node.facts["steps_per_second"] = node.steps_per_second
                    node.facts["predicted_steps"] = None if limit is None else int(node.steps_per_second * limit)
        for task, node in running.items():
            executor.cancel(task)
            node.problems.append("the speed test did not end in time")


def _start(
    order: Order, executor: Executor, nodes: Sequence[Node], examined: Mapping[str, Examined], folder: Path
) -> dict[str, Examined]:
    running = {}
    for node in nodes:
        if node.slots < order.slots:
            examined[node.name].facts["probe"] = f"has {node.slots} slots, the recipe needs {order.slots}"
            continue
        task = Task(
            id=f"probe/{node.name[:16]}", stage=TRAIN, order=order, node=node.name, slots=tuple(range(order.slots)),
            workdir=folder / node.name[:16],
        )  # fmt: skip
        try:
            executor.start(task)
        except Unplaceable:
            examined[node.name].busy = True
            examined[node.name].facts["probe"] = "its slots are in use"
        else:
            running[task.id] = examined[node.name]
    return running


def compare(nodes: Sequence[Examined]) -> None:
    """Find nodes that are slower than others of their class."""
    for kind in {node.kind for node in nodes}:
        rates = {node.name: node.steps_per_second for node in nodes if node.kind == kind and node.steps_per_second}
        if len(rates) < 2:
            continue
        usual = statistics.median_high(rates.values())
        for node in nodes:
            if node.name in rates and rates[node.name] < SLOW * usual:
                node.problems.append(f"slow: {rates[node.name]:.2f} steps/s, the median of its class is {usual:.2f}")


def write_down(nodes: Sequence[Examined], cluster: str, store: Store, now: float) -> None:
    """Quarantine bad nodes and release good ones; a node that was too busy to probe keeps its state."""
    for node in nodes:
        if node.busy and not node.problems:
            continue
        good, reason = not node.problems, "; ".join(node.problems)
        store.put_node(
            NodeRecord(cluster=cluster, name=node.name, host=node.host, good=good, reason=reason, checked=now)
        )


def _places(sweep: Sweep) -> DataPlaces:
    data = sweep.data
    return DataPlaces(
        tokens=str(data.tokens), tokenizer=str(data.tokenizer), train_digest=data.train_digest,
        val_digest=data.val_digest, tokenizer_digest=data.tokenizer_digest,
    )  # fmt: skip


def _shown(facts: NodeFacts, slots: int, clock_seconds: float) -> dict[str, Any]:
    return {
        "slots": slots, "device": facts.machine.device, "dtype": facts.machine.dtype, "gpus": facts.gpus,
        "driver": facts.driver, "attention": facts.machine.attention, "flash_attn": facts.flash_attention,
        "free_gib": round(facts.free_bytes / 2**30, 1), "cores": facts.cores, "clock_seconds": round(clock_seconds, 3),
        "versions": dict(facts.versions),
    }  # fmt: skip
