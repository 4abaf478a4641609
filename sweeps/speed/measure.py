"""Measuring this machine: short jobs of a sweep run on its slots as a sweep's jobs run, and are timed.

The training comes first, on all of its slots, then the quantization of its weights, and on all slots at once what reads
the artifact. What has not ended at the limit is ended, and says nothing.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from cluster.executor import Task
from cluster.executors.local import LocalExecutor, local_slots
from golf.data.corpus import DEMO_TUNING_DOCUMENTS, DEMO_VALIDATION_DOCUMENTS, VOCAB_SIZE
from jobs.events import Failed, Finished
from jobs.machine import stopping
from jobs.paths import Home
from jobs.spec import Job, Machine, Order
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.registry import stage_of
from jobs.stages.request import DocumentSet
from jobs.stages.stage import ShardedStage, Stage
from jobs.stages.train import TRAIN
from sweeps.spec.dataset import DataSet, document_lengths, open_dataset
from sweeps.spec.orders import Measurement, OrderBook
from sweeps.spec.recipe import Recipe
from sweeps.speed.choose import Choice
from sweeps.speed.samples import Sample, Speed, shape_of

LIMIT_SECONDS = 90.0
"""How long measuring may take; usually it takes 20 s."""
POLL_SECONDS = 0.2
SEED = 0
ONE_DOCUMENT = DocumentSet(split="tune", count=1)
UNMADE = {"weights": "0" * 64, "artifact": "0" * 64}
"""Stands for inputs that no job has made."""

UNSEEN_DATA = DataSet(
    tokens=Path(), tokenizer=Path(), train_digest="", val_digest="", tokenizer_digest="", vocab_size=VOCAB_SIZE,
    tuning_documents=DEMO_TUNING_DOCUMENTS, val_documents=DEMO_VALIDATION_DOCUMENTS,
)  # fmt: skip
"""The bundled corpus before it is built."""


def sample_orders(choice: Choice, machine: Machine, data: DataSet) -> list[Order]:
    """The orders of all short jobs, in the order in which they run; inputs that they make are not known yet."""
    audits: list[tuple[Stage, Recipe, float]] = [(AUDIT, choice.evaluations[0], seconds) for seconds in choice.audits]
    jobs: list[tuple[Stage, Recipe, float]] = [(TRAIN, choice.train, 0.0), (QUANTIZE, choice.train, 0.0)]
    jobs += [(EVALUATE, recipe, 0.0) for recipe in choice.evaluations]
    jobs += audits
    orders = []
    for stage, recipe, seconds in jobs:
        book = OrderBook(
            sweep="measure", priority=0, data=data, machine=machine, options={"audit": {"seconds": seconds}}
        )
        measurement = Measurement(recipe=recipe, seed=SEED, documents=ONE_DOCUMENT, entry=None)
        orders.append(book.order(stage, measurement, {name: UNMADE[name] for name in stage.reads}))
    return orders


def samples_of(choice: Choice, machine: Machine) -> list[Job]:
    """The short jobs, whatever the digests of what they read."""
    return [order.job for order in sample_orders(choice, machine, UNSEEN_DATA)]


def measure(
    choice: Choice,
    machine: Machine,
    folder: Path,
    *,
    core_flops: float | None = None,
    limit: float = LIMIT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Speed:
    """Run the short jobs on this machine.

    Args:
        choice: which.
        machine: the class of this machine's slots.
        folder: an empty one for the bundled corpus and the jobs' files.
        core_flops: the speed of a core, to be kept with the samples.
        limit: seconds after which what still runs is ended.
        clock: seconds that only grow.

    Returns:
        What has ended; an empty `samples` where nothing did.
    """
    started = clock()
    data = open_dataset("demo", None, DEMO_TUNING_DOCUMENTS, Home(folder).demo)
    train, quantize, *readers = sample_orders(choice, machine, data)
    sizes = _Sizes(data, choice)
    slots = local_slots(choice.train.train.gpus)
    name = f"measure {os.getpid()}"
    with closing(LocalExecutor(slots, name)) as executor:
        runs = _Runs(executor, folder / "attempts", started + limit, clock, slots)
        weights = runs.run([(train, {})])
        artifact = runs.run([(quantize, {"weights": weights["weights"]})]) if weights else {}
        if artifact:
            runs.run([(order, {"artifact": artifact["artifact"]}) for order in readers])
    samples = tuple(_sample(order, seconds, end, sizes) for order, seconds, end in runs.ended)
    tried = frozenset(shape_of(order.job) for order in (train, quantize, *readers))
    return Speed(samples=samples, seconds=clock() - started, core_flops=core_flops, tried=tried)


def _sample(order: Order, seconds: float, end: Finished, sizes: "_Sizes") -> Sample:
    stage = stage_of(order.job)
    clocks = {name: float(end.outputs["clocks"][name]) for name in stage.clocks}
    work = {name: stage.work(order, name, sizes) for name in clocks}
    return Sample(job=order.job, slots=order.slots, seconds=seconds, clocks=clocks, work=work)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Sizes of the bundled corpus, and of the one model."""

    data: DataSet
    choice: Choice

    def model(self, artifact: str) -> Mapping[str, object]:
        settings: Mapping[str, object] = self.choice.train.settings()["train"]["model"]
        return settings

    def lengths(self, documents: Mapping[str, object]) -> tuple[int, ...]:
        lengths = document_lengths(self.data, "tune")
        count = documents["count"]
        return lengths if count is None else lengths[: int(str(count))]


@dataclass(slots=True)
class _Runs:
    """Runs orders on the slots of one machine, several at once where they fit."""

    executor: LocalExecutor
    folder: Path
    deadline: float
    clock: Callable[[], float]
    slots: int
    ended: list[tuple[Order, float, Finished]] = field(default_factory=list)
    """Orders that came to their end, with their seconds and results."""

    def run(self, orders: Sequence[tuple[Order, Mapping[str, bytes]]]) -> Mapping[str, bytes]:
        """Run orders until all have ended or the time is over; returns the files of the last that ended."""
        waiting, free, files = list(orders), list(range(self.slots)), dict[str, bytes]()
        running: dict[str, tuple[Order, tuple[int, ...], float]] = {}
        while (waiting or running) and self.clock() < self.deadline:
            stopping.raise_if_stopped()
            while waiting and len(free) >= waiting[0][0].slots:
                order, inputs = waiting.pop(0)
                taken, free = tuple(free[: order.slots]), free[order.slots :]
                task = self._task(order, inputs, taken)
                running[task.id] = (order, taken, self.clock())
                self.executor.start(task)
            for task_id, end in self._ends():
                order, taken, begun = running.pop(task_id)
                free = sorted([*free, *taken])
                if isinstance(end, Finished):
                    self.ended.append((order, self.clock() - begun, end))
                    files = dict(end.files)
        return files

    def _ends(self) -> Iterator[tuple[str, Finished | Failed]]:
        for task_id, event in self.executor.poll(POLL_SECONDS):
            if isinstance(event, Finished | Failed):
                yield task_id, event

    def _task(self, order: Order, inputs: Mapping[str, bytes], slots: tuple[int, ...]) -> Task:
        stage = stage_of(order.job)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in inputs.items()}
        shards = tuple(range(stage.count_shards(order, inputs))) if isinstance(stage, ShardedStage) else ()
        workdir = self.folder / order.job.key[:16] / "1"
        workdir.mkdir(parents=True)
        return Task(
            id=f"{order.job.key}/1",
            stage=stage,
            order=_with_inputs(order, digests),
            node=self.executor.nodes()[0].name,
            slots=slots,
            workdir=workdir,
            inputs=inputs,
            shards=shards,
            silence_seconds=self.deadline,
        )


def _with_inputs(order: Order, digests: Mapping[str, str]) -> Order:
    return replace(order, job=replace(order.job, inputs={**order.job.inputs, **digests}))
