"""The scheduler: claims jobs from the store, places them on slots, and writes down what they tell.

There is one a cluster, for all sweeps; which process it is does not matter, because it holds nothing that the store
does not: after its death another one goes on from the finished shards and checkpoints. What tasks tell is written in
the order in which it came, and an event is forgotten only once it is written, so that a database may be away for a
while.
"""

import os
import socket
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from cluster.executor import Executor, Node, Task, Unplaceable
from cluster.expect import KNOWN_FROM, MARGIN, REMEMBERED_JOBS, Expectations
from cluster.fairness import Usage
from cluster.placing import Taken, choose, free
from cluster.policy import Placement
from cluster.retry import NODE_STRIKES, SILENCE_SECONDS, avoided, judge, strikes
from cluster.running import Running, outputs_of
from golf.errors import InputError
from jobs import environment
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress, Shard
from jobs.files import FileStore
from jobs.paths import Home
from jobs.run import shards_of
from jobs.scores import share_shards
from jobs.spec import Kind
from jobs.state import SweepState
from jobs.store import JobRecord, LostClaim, NodeRecord, OverBudget, Store

BEAT_SECONDS = 5.0
START_SECONDS = 300.0
"""Time in which a worker's process has to begin with its task; a ready placement group is no guarantee (ray#42683)."""
LOOK_SECONDS = 1.0
"""How often it asks the store for jobs that were cancelled."""
WRITES_PER_SECOND = 50.0
"""Writes of progress, over all running jobs; results are written at once."""
CLAIMED_AHEAD = 4
"""Claimed jobs beyond the free slots, so that a slot that falls free need not wait for a claim."""
KEPT_CONTENTS = 8


def scheduler_name() -> str:
    """A name that no other scheduler has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Scheduler:
    """The scheduler of one cluster; call `step` until nothing is left to do, and `stop` in any case.

    Raises (any method):
        Taken: another process has become this cluster's scheduler; whatever this one still runs must end.
        StoreAway: the database does not answer; call again later.
    """

    def __init__(
        self,
        store: Store,
        files: FileStore,
        executor: Executor,
        home: Home,
        *,
        name: str | None = None,
        silence_seconds: Mapping[Kind, float] = SILENCE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._files, self._executor, self._home, self._clock = store, files, executor, home, clock
        self._silence = silence_seconds
        self.name = name or scheduler_name()
        self._waiting: dict[str, JobRecord] = {}
        self._avoid: dict[str, frozenset[str]] = {}
        self._running: dict[str, Running] = {}
        self._usage = Usage()
        self._told: deque[tuple[str, Event]] = deque()
        self._contents: dict[str, bytes] = {}
        self._strikes: dict[str, set[str]] = defaultdict(set)
        self._refused: dict[str, str] = {}
        self._draining = False
        self._beaten = self._looked = 0.0
        self.nodes = executor.nodes()
        self.beat()
        self._aside = self._set_aside()
        self._expect = Expectations(store.recently_done(REMEMBERED_JOBS))

    def step(self, timeout: float) -> None:
        """Look once: beat, claim, start what can start, and wait up to `timeout` seconds for something to happen."""
        if self._clock() - self._beaten >= BEAT_SECONDS:
            self.beat()
            self._aside = self._set_aside()
            self._hold_to_budgets()
        self.nodes = self._executor.nodes()
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._end_cancelled()
        if not self._draining:
            self._claim(self.usable())
            self._start(self.usable())
        self._told.extend(self._executor.poll(timeout))
        while self._told:
            self._hear(*self._told[0])
            self._told.popleft()
        self._end_hung()  # last: after a while in which nobody listened, much may have been told that was not yet heard

    def beat(self) -> None:
        """Say that this scheduler is alive; safe to call from another thread."""
        sizes = [node.slots for node in self.nodes]
        self._store.beat(self.name, self._executor.cluster, sum(sizes), max(sizes, default=0))
        self._beaten = self._clock()

    def drain(self) -> int:
        """Start nothing more; returns how many jobs still run."""
        if not self._draining:
            self._draining = True
            self._store.release(list(self._waiting), scheduler=self.name)
            self._waiting.clear()
        return len(self._running)

    def stop(self) -> None:
        """End everything that runs, and give every claim back."""
        for running in list(self._running.values()):
            self._drop(running)
            self._waiting[running.key] = running.record
        self._store.release(list(self._waiting), scheduler=self.name)
        self._waiting.clear()
        self._store.forget_scheduler(self.name)

    def abandon(self) -> None:
        """End everything that runs, because another scheduler has it now; nothing is written."""
        for running in list(self._running.values()):
            self._drop(running)
        self._waiting.clear()

    def usable(self) -> list[Node]:
        """Nodes that are alive and not set aside."""
        return [node for node in self.nodes if node.name not in self._aside]

    # Starting

    def _claim(self, nodes: list[Node]) -> None:
        """Take jobs for every class of machine; wide and narrow ones apart, so that neither keeps the other out."""
        for kind in {node.machine.slot_class for node in nodes}:
            mine = [node for node in nodes if node.machine.slot_class == kind]
            open_slots = sum(len(one.slots) for one in free(mine, self._taken()))
            for wide in (True, False):
                room = len(mine) if wide else open_slots
                held = sum(
                    job.order.job.machine.slot_class == kind and (job.order.slots > 1) == wide
                    for job in self._waiting.values()
                )
                if open_slots and held < room:
                    self._take(room + CLAIMED_AHEAD - held, kind, wide)

    def _take(self, limit: int, kind: str, wide: bool) -> None:
        for record in self._store.claim(self.name, limit, machines=[kind], wide=wide, without=self._refused):
            self._waiting[record.key] = record
            if record.attempt > record.asked:
                self._avoid[record.key] = avoided(self._earlier(record))

    def _start(self, nodes: list[Node]) -> None:
        known, now, waiting = {node.name: node for node in nodes}, self._clock(), list(self._waiting.values())
        self._usage.advance(now)
        for placement in choose(
            waiting, nodes, self._taken(), self._avoid, now, usage=self._usage, seconds=self._expect.seconds
        ):
            if placement.key in self._waiting:  # its sweep's budget may have been found used up just now
                self._begin(self._waiting[placement.key], placement, known[placement.node])

    def _taken(self) -> Taken:
        return {
            (run.placement.node, slot): None if run.expected is None else run.started + run.expected
            for run in self._running.values()
            for slot in run.placement.slots
        }

    def _begin(self, record: JobRecord, placement: Placement, node: Node) -> None:
        """Write an attempt down, then start its tasks."""
        expected = self._expect.seconds(record.order)
        workdir = self._home.attempt(record.key, record.attempt + 1).resolve()
        try:
            attempt = self._store.start_attempt(
                record.key,
                self.name,
                host=node.host,
                workdir=str(workdir),
                versions=environment.versions(),
                commit=environment.commit(),
                node=node.name,
                slots=len(placement.slots),
                sweep=record.order.sweep,
                seconds=expected,
            )
        except LostClaim:  # or the answer to an earlier start was lost on the way
            self._waiting.pop(record.key)
            self._store.release([record.key], "its start was not confirmed", self.name)
            return
        except OverBudget as refusal:
            self._refuse(record.order.sweep, str(refusal))
            return
        self._waiting.pop(record.key)
        running = Running(record, attempt, placement, self._clock(), expected=expected)
        self._running[record.key] = running
        self._usage.hold(record.order.sweep, len(placement.slots))
        try:
            self._start_tasks(running)
        except InputError as error:
            self._fail(running, Failed(failure=Failure.BAD_CONFIGURATION, reason=str(error)))
        except Unplaceable as error:
            self._fail(running, Failed(failure=Failure.UNFIT, reason=str(error)))

    def _start_tasks(self, running: Running) -> None:
        record = running.record
        inputs = {name: self._content(digest) for name, digest in self._blobs(record).items()}
        parts = self._parts(running, inputs)
        for number, (slots, shards) in enumerate(parts):
            task = Task(
                id=f"{record.key}/{running.attempt}/{number}",
                order=record.order,
                node=running.placement.node,
                slots=slots,
                workdir=self._home.attempt(record.key, running.attempt).resolve(),
                inputs=inputs,
                shards=shards,
                silence_seconds=self._silence[record.order.job.kind],
            )
            running.open_tasks.add(task.id)
            running.fractions[task.id] = 0.0
            running.heard[task.id] = self._clock()
            self._executor.start(task)
        if not parts:  # every shard was there already
            self._finish(running, Finished(outputs={"clocks": {}}))

    def _parts(self, running: Running, inputs: Mapping[str, bytes]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
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
            while len(self._contents) >= KEPT_CONTENTS:
                self._contents.pop(next(iter(self._contents)))
            self._contents[digest] = self._files.get(digest)
        return self._contents[digest]

    # Hearing

    def _hear(self, task_id: str, event: Event) -> None:
        running = self._running.get(task_id.partition("/")[0])
        if running is not None and task_id in running.open_tasks:
            running.heard[task_id] = self._clock()
            running.begun.add(task_id)
            try:
                self._write_down(running, task_id, event)
            except LostClaim:
                self._drop(running)

    def _write_down(self, running: Running, task_id: str, event: Event) -> None:
        key, attempt = running.key, running.attempt
        match event:
            case Progress():
                running.fractions[task_id] = event.fraction
                if self._clock() - running.written >= len(self._running) / WRITES_PER_SECOND:
                    running.written = self._clock()
                    self._store.progress(key, attempt, running.fraction, event.note)
                    self._expect_more(running)
            case Checkpoint():
                digest = self._files.put(event.content)
                replaced = self._store.put_checkpoint(key, attempt, digest)
                running.checkpoint = digest
                self._discard(replaced)
            case Shard():
                digest = self._files.put(event.content)
                self._store.put_shard(key, attempt, event.index, digest)
                running.shards[event.index] = digest
            case Finished():
                if running.open_tasks == {task_id}:
                    self._finish(running, event)
                else:
                    running.open_tasks.discard(task_id)
                    running.fractions[task_id] = 1.0
                    running.told.append(event)
            case Failed():
                self._fail(running, event)

    def _discard(self, checkpoint: str | None) -> None:
        """Delete a checkpoint that a later one, or the result, has replaced: a long training would fill the disk."""
        if checkpoint is not None:
            self._contents.pop(checkpoint, None)
            self._files.delete(checkpoint)

    def _expect_more(self, running: Running) -> None:
        """Set aside what a job will take by its own pace, where nothing was known before."""
        if running.expected is None and running.fraction >= KNOWN_FROM:
            spent = self._clock() - running.started
            running.expected = MARGIN * spent / running.fraction
            hours = len(running.placement.slots) * running.expected / 3600
            self._store.reserve(running.key, running.attempt, hours)

    def _finish(self, running: Running, last: Finished) -> None:
        """Put the results of a job's tasks together and write its success down."""
        outputs, peak = outputs_of(running, last, self._files)
        seconds = self._clock() - running.started
        self._store.finish(
            running.key, running.attempt, outputs, seconds=seconds, peak_bytes=peak, cost=self._cost(running)
        )
        self._discard(running.checkpoint or running.record.checkpoint)
        self._expect.learn(running.record.order, seconds)
        self._strikes.pop(running.placement.node, None)
        self._forget(running)

    def _fail(self, running: Running, event: Failed) -> None:
        """End all of a job's tasks, and let the rules decide what follows."""
        self._end_tasks(running)
        verdict = judge(event.failure, [failure for _, failure in self._earlier(running.record)])
        self._store.fail(
            running.key,
            running.attempt,
            f"{event.failure}: {event.reason}",
            counted=verdict.counted,
            final=verdict.final,
            log=event.log,
            cost=self._cost(running),
            failure=event.failure,
        )
        self._forget(running)
        if strikes(event.failure):
            self._strike(running.placement.node, running.key, event)

    def _earlier(self, record: JobRecord) -> list[tuple[str, Failure]]:
        """Node and failure of a job's ended attempts since it was last asked for."""
        return [
            (one.node or "", Failure(one.failure))
            for one in self._store.attempts(record.key)
            if one.failure is not None and one.number > record.asked
        ]

    def _cost(self, running: Running) -> float | None:
        """Dollars of an attempt so far, at the price of the sweep that pays."""
        return self._store.budget(running.record.order.sweep).cost(running.hours(self._clock()))

    # Ending

    def _end_hung(self) -> None:
        """End what has told nothing for too long: our own deadline decides, whatever Ray believes."""
        for running in list(self._running.values()):
            limit = self._silence[running.record.order.job.kind]
            if running.silent(self._clock(), started=True) > limit:
                reason = f"its worker has told nothing for {limit:.0f} s"
                self._fail(running, Failed(failure=Failure.HANG, reason=reason))
            elif running.silent(self._clock(), started=False) > START_SECONDS:
                reason = f"its worker did not start within {START_SECONDS:.0f} s"
                self._fail(running, Failed(failure=Failure.UNFIT, reason=reason))

    def _end_cancelled(self) -> None:
        """End the processes of what a user has cancelled, and only then say so."""
        cancelled = self._store.cancelled(self.name)
        for key in cancelled:
            self._waiting.pop(key, None)
            if running := self._running.get(key):
                self._drop(running)
        if cancelled:
            self._store.let_go(cancelled)

    def _hold_to_budgets(self) -> None:
        """Stop sweeps that have used up what they may cost, in spite of what was expected; their work is kept."""
        for sweep, reason in self._store.overspent().items():
            for running in [one for one in self._running.values() if one.record.order.sweep == sweep]:
                self._drop(running)
                self._store.release([running.key], "stopped: over budget", self.name)
            self._refuse(sweep, reason)
        # What ran for them elsewhere may have been settled meanwhile: the next claim finds out whether that is enough.
        self._refused = {sweep: why for sweep, why in self._refused.items() if self._store.account(sweep).running}

    def _refuse(self, sweep: str, reason: str) -> None:
        """Let a sweep wait that cannot pay for its next job until what runs is settled; if nothing runs, it is over."""
        mine = [key for key, job in self._waiting.items() if job.order.sweep == sweep]
        for key in mine:
            del self._waiting[key]
        self._store.release(mine, scheduler=self.name)
        if self._store.account(sweep).running:
            self._refused[sweep] = reason
        else:
            self._refused.pop(sweep, None)
            self._store.end_sweep(sweep, SweepState.OVER_BUDGET, reason)

    def _strike(self, node: str, key: str, event: Failed) -> None:
        """Set a node aside on which several jobs in a row failed by what may be its fault, unless it is the last."""
        self._strikes[node].add(key)
        good = {one.name: one for one in self.usable()}
        if len(self._strikes[node]) >= NODE_STRIKES and node in good and len(good) > 1:
            reason = f"{NODE_STRIKES} jobs in a row failed on it, the last: {event.failure}: {event.reason}"
            self._store.put_node(
                NodeRecord(
                    cluster=self._executor.cluster, name=node, host=good[node].host, good=False, reason=reason,
                    checked=self._clock(),
                )
            )  # fmt: skip
            self._aside = self._set_aside()
            del self._strikes[node]

    def _set_aside(self) -> frozenset[str]:
        """Nodes that were found unfit, here or by "golfsweep doctor"."""
        return frozenset(one.name for one in self._store.nodes(self._executor.cluster) if not one.good)

    def _drop(self, running: Running) -> None:
        self._end_tasks(running)
        self._forget(running)

    def _end_tasks(self, running: Running) -> None:
        for task_id in running.open_tasks:
            self._executor.cancel(task_id)

    def _forget(self, running: Running) -> None:
        running.open_tasks.clear()
        if self._running.pop(running.key, None) is not None:
            self._usage.hold(running.record.order.sweep, -len(running.placement.slots))
        self._refused.pop(running.record.order.sweep, None)
