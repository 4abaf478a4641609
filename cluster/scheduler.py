"""The scheduler: claims jobs from the store, places them on slots, and writes down what they tell.

It holds nothing that the store does not: after its death another one goes on from the finished shards and checkpoints.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cluster.executor import Executor, Node, Task
from cluster.policy import Free, Placement, Waiting, place
from golf.errors import InputError
from jobs import environment
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress, Shard
from jobs.files import FileStore
from jobs.paths import Home
from jobs.run import shards_of
from jobs.scores import merge_shards, share_shards
from jobs.store import JobRecord, LostClaim, Store

BEAT_SECONDS = 5.0
WRITE_SECONDS = 1.0
"""Least time between two writes of one job's progress."""
MAX_FAILURES = 3
"""Attempts that may fail by the job's own fault."""
CLAIMED_AHEAD = 4
"""Claimed jobs beyond the free slots, so that a slot that falls free need not wait for a claim."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a failure."""

    counted: bool
    final: bool


POLICY: Mapping[Failure, Verdict] = {
    Failure.LOST: Verdict(counted=False, final=False),
    Failure.CRASH: Verdict(counted=True, final=False),
    Failure.OUT_OF_MEMORY: Verdict(counted=True, final=False),
    # What would fail again the same way is not tried again.
    Failure.BAD_CONFIGURATION: Verdict(counted=True, final=True),
    Failure.DIVERGED: Verdict(counted=True, final=True),
    Failure.OVER_TIME: Verdict(counted=True, final=True),
    Failure.DISK_FULL: Verdict(counted=True, final=True),
}


@dataclass(slots=True)
class _Running:
    """A job on its slots: one task, or for an evaluation one a worker."""

    record: JobRecord
    attempt: int
    placement: Placement
    started: float
    open_tasks: set[str]
    fractions: dict[str, float]
    shards: dict[int, str]
    """Digests of finished shards."""
    told: list[Finished] = field(default_factory=list)
    written: float = 0.0


class Scheduler:
    """One scheduler of one cluster; call `step` until nothing is left to do, and `stop` in any case."""

    def __init__(
        self,
        store: Store,
        files: FileStore,
        executor: Executor,
        home: Home,
        *,
        dollars_per_slot_hour: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._files, self._executor, self._home, self._clock = store, files, executor, home, clock
        self._price = dollars_per_slot_hour
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._waiting: dict[str, JobRecord] = {}
        self._running: dict[str, _Running] = {}
        self._contents: dict[str, bytes] = {}
        self._beaten = 0.0
        self._beat()

    def step(self, timeout: float) -> None:
        """Look once: beat, claim, start what can start, and wait up to `timeout` seconds for something to happen."""
        self._beat()
        nodes = self._executor.nodes()
        self._claim(nodes)
        self._start(nodes)
        for task_id, event in self._executor.poll(timeout):
            key = task_id.partition("/")[0]
            if (running := self._running.get(key)) and task_id in running.open_tasks:
                try:
                    self._write_down(running, task_id, event)
                except LostClaim:
                    self._drop(running)

    def stop(self) -> None:
        """End everything that runs, and give every claim back."""
        for running in list(self._running.values()):
            self._drop(running)
            self._waiting[running.record.key] = running.record
        self._store.release(list(self._waiting))
        self._waiting.clear()
        self._store.forget_scheduler(self.name)

    def _beat(self) -> None:
        if self._clock() - self._beaten >= BEAT_SECONDS:
            self._store.beat(self.name)
            self._beaten = self._clock()

    def _claim(self, nodes: list[Node]) -> None:
        free = sum(len(node.slots) for node in self._free(nodes))
        if free and len(self._waiting) < free + CLAIMED_AHEAD:
            for record in self._store.claim(self.name, free + CLAIMED_AHEAD - len(self._waiting)):
                self._waiting[record.key] = record

    def _free(self, nodes: list[Node]) -> list[Free]:
        taken = {(run.placement.node, slot) for run in self._running.values() for slot in run.placement.slots}
        return [
            Free(
                node=node.name,
                capacity=node.slots,
                slots=tuple(slot for slot in range(node.slots) if (node.name, slot) not in taken),
            )
            for node in nodes
        ]

    def _start(self, nodes: list[Node]) -> None:
        waiting = [
            Waiting(
                key=record.key,
                gang=record.order.job.kind == "train",
                slots=record.order.slots,
                priority=record.order.priority,
                since=record.created,
            )
            for record in self._waiting.values()
        ]
        hosts = {node.name: node.host for node in nodes}
        for placement in place(waiting, self._free(nodes), self._clock()):
            self._begin(self._waiting.pop(placement.key), placement, hosts[placement.node])

    def _begin(self, record: JobRecord, placement: Placement, host: str) -> None:
        """Write an attempt down, then start its tasks."""
        key = record.key
        workdir = self._home.attempt(key, record.attempt + 1).resolve()
        attempt = self._store.start_attempt(
            key,
            self.name,
            host=host,
            workdir=str(workdir),
            versions=environment.versions(),
            commit=environment.commit(),
        )
        running = _Running(record, attempt, placement, self._clock(), set(), {}, {})
        self._running[key] = running
        try:
            inputs = {name: self._content(digest) for name, digest in self._blobs(record).items()}
            parts = self._parts(running, inputs)
        except InputError as error:
            running.open_tasks.add(key)
            self._write_down(running, key, Failed(failure=Failure.BAD_CONFIGURATION, reason=str(error)))
            return
        for number, (slots, shards) in enumerate(parts):
            task = Task(
                id=f"{key}/{attempt}/{number}",
                order=record.order,
                node=placement.node,
                slots=slots,
                workdir=workdir,
                inputs=inputs,
                shards=shards,
            )
            running.open_tasks.add(task.id)
            running.fractions[task.id] = 0.0
            self._executor.start(task)
        if not parts:  # every shard was there already
            self._complete(running, Finished(outputs={"clocks": {}}))

    def _parts(self, running: _Running, inputs: Mapping[str, bytes]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Slots and shards of each task of a job; only an evaluation has more than one task."""
        record, slots = running.record, running.placement.slots
        if record.order.job.kind != "eval":
            return [(slots, ())]
        # The whole validation set is scored in one go, so that the clock of its evaluation means what it says.
        whole = record.order.job.settings["documents"]["split"] == "val"
        running.shards = {} if whole else self._store.shards(record.key)
        total = shards_of(record.order, inputs["artifact"])
        left = [index for index in range(total) if index not in running.shards]
        return [((slot,), tuple(part)) for slot, part in zip(slots, share_shards(left, len(slots)), strict=False)]

    def _blobs(self, record: JobRecord) -> dict[str, str]:
        """Digests of the contents that a job's tasks are handed."""
        kept = {name: d for name, d in record.order.job.inputs.items() if name not in record.order.places}
        return kept | ({"checkpoint": record.checkpoint} if record.checkpoint else {})

    def _content(self, digest: str) -> bytes:
        """A content of the file store; the last few stay in memory, one object each."""
        if digest not in self._contents:
            while len(self._contents) >= 8:
                self._contents.pop(next(iter(self._contents)))
            self._contents[digest] = self._files.get(digest)
        return self._contents[digest]

    def _write_down(self, running: _Running, task_id: str, event: Event) -> None:
        key, attempt = running.record.key, running.attempt
        match event:
            case Progress():
                running.fractions[task_id] = event.fraction
                if self._clock() - running.written >= WRITE_SECONDS:
                    running.written = self._clock()
                    fraction = sum(running.fractions.values()) / len(running.fractions)
                    self._store.progress(key, attempt, fraction, event.note)
            case Checkpoint():
                self._store.put_checkpoint(key, attempt, self._files.put(event.content))
            case Shard():
                digest = self._files.put(event.content)
                self._store.put_shard(key, attempt, event.index, digest)
                running.shards[event.index] = digest
            case Finished():
                running.open_tasks.discard(task_id)
                running.fractions[task_id] = 1.0
                self._complete(running, event)
            case Failed():
                running.open_tasks.discard(task_id)
                self._fail(running, event)

    def _complete(self, running: _Running, event: Finished) -> None:
        """Once the last task is finished, put the results together and write the job's success down."""
        running.told.append(event)
        if running.open_tasks:
            return
        outputs = dict(event.outputs) | {name: self._files.put(content) for name, content in event.files.items()}
        if running.record.order.job.kind == "eval":
            contents = [self._files.get(digest) for _, digest in sorted(running.shards.items())]
            table, totals = merge_shards(contents)
            # Workers start together: the evaluation took as long as the slowest of them.
            clocks = [told.outputs["clocks"] for told in running.told]
            worst = {name: max(clock[name] for clock in clocks) for name in clocks[0]}
            outputs |= {"scores": self._files.put(table), **totals, "clocks": worst}
        peaks = [told.peak_bytes for told in running.told if told.peak_bytes]
        seconds = self._clock() - running.started
        self._store.finish(
            running.record.key,
            running.attempt,
            outputs,
            seconds=seconds,
            peak_bytes=max(peaks, default=None),
            cost=self._cost(running),
        )
        del self._running[running.record.key]

    def _fail(self, running: _Running, event: Failed) -> None:
        """End the job's other tasks, and let the policy decide what follows."""
        self._drop(running)
        verdict = POLICY[event.failure]
        final = verdict.final or (verdict.counted and running.record.failures + 1 >= MAX_FAILURES)
        self._store.fail(
            running.record.key,
            running.attempt,
            f"{event.failure}: {event.reason}",
            counted=verdict.counted,
            final=final,
            log=event.log,
            cost=self._cost(running),
        )

    def _drop(self, running: _Running) -> None:
        for task_id in running.open_tasks:
            self._executor.cancel(task_id)
        running.open_tasks.clear()
        self._running.pop(running.record.key, None)

    def _cost(self, running: _Running) -> float | None:
        """Dollars of an attempt: its slots for as long as it held them."""
        if self._price is None:
            return None
        return self._price * len(running.placement.slots) * (self._clock() - running.started) / 3600
