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
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cluster.executor import Executor, Node, Unplaceable
from cluster.policy.policy import Placement
from cluster.policy.retry import avoided, failed_since
from cluster.scheduling.claiming import Claiming
from cluster.scheduling.expect import REMEMBERED_JOBS, Expectations
from cluster.scheduling.journal import Journal
from cluster.scheduling.node_health import NodeHealth
from cluster.scheduling.placing import choose
from cluster.scheduling.spending import Spending
from cluster.scheduling.state.contents import Contents
from cluster.scheduling.state.held import Held
from cluster.scheduling.state.running import Running
from cluster.scheduling.tasks import contents_of, keeps_shards, tasks_of
from golf.errors import InputError
from jobs.events import Event, Failed, Failure, Finished
from jobs.files import FileStore, Unreadable
from jobs.machine import environment
from jobs.paths import Home
from jobs.stages.registry import stage_named
from jobs.store import JobRecord, LostClaim, OverBudget, Store

BEAT_SECONDS = 5.0
START_SECONDS = 300.0
"""Time in which a worker's process has to begin with its task; a ready placement group is no guarantee (ray#42683)."""
LOOK_SECONDS = 1.0
"""How often it asks the store for jobs that were cancelled, and whether what it has claimed is still the best."""


def scheduler_name() -> str:
    """A name that no other scheduler has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Scheduler:
    """The scheduler of one cluster; call `step` until nothing is left to do, and `stop` in any case.

    Raises (any method):
        Taken: another process has become this cluster's scheduler; whatever this one still runs must end.
        StoreAway: the database or the file store does not answer; call again later.
    """

    def __init__(
        self,
        store: Store,
        files: FileStore,
        executor: Executor,
        home: Home,
        *,
        name: str | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Become the scheduler of an executor's cluster.

        Args:
            store, files, home: what it works on.
            executor: what runs the jobs.
            name: one that no other has.
            clock: epoch seconds, for what is written down.
            ticks: seconds that nobody sets, for every interval.
        """
        self._store, self._executor, self._home, self._clock, self._ticks = store, executor, home, clock, ticks
        self.name = name or scheduler_name()
        self._avoid: dict[str, frozenset[str]] = {}
        """By key of a job that waits, nodes that it had better not go to."""
        self._told: deque[tuple[str, Event]] = deque()
        self._beaten = self._looked = -LOOK_SECONDS
        self._nodes = NodeHealth(store, executor, clock)
        self.beat()
        self._nodes.read_verdicts()
        self._held = Held(executor)
        self._claiming = Claiming(store, self._held, self.name)
        self._spending = Spending(store, self._held, self.name)
        self._contents = Contents(files)
        self._expect = Expectations(store.recently_done(REMEMBERED_JOBS))
        self._journal = Journal(store, files, self._contents, self._held, self._nodes, self._expect, ticks)

    def step(self, timeout: float) -> None:
        """Look once: beat, claim, start what can start, and wait up to `timeout` seconds for something to happen."""
        if self._ticks() - self._beaten >= BEAT_SECONDS:
            self.beat()
            self._nodes.read_verdicts()
            self._spending.hold_to_budgets()
        self._nodes.look()
        if afresh := self._ticks() - self._looked >= LOOK_SECONDS:
            self._looked = self._ticks()
            self._end_cancelled()
            self._end_unwanted()
        self._claim(afresh)
        self._start(self.usable())
        self._told.extend(self._executor.poll(timeout))
        while self._told:
            self._journal.hear(*self._told[0])
            self._told.popleft()
        self._end_hung()  # last: after a while in which nobody listened, much may have been told that was not yet heard

    def beat(self) -> None:
        """Say that this scheduler is alive; safe to call from another thread."""
        sizes = [node.slots for node in self.nodes]
        self._store.beat(self.name, self._executor.cluster, sum(sizes), max(sizes, default=0))
        self._beaten = self._ticks()

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._held.running)

    def stop(self) -> None:
        """End everything that runs, and give every claim back."""
        for running in list(self._held.running.values()):
            self._held.drop(running)
            self._held.waiting[running.key] = running.record
        self._give_back()
        self._store.forget_scheduler(self.name)

    def abandon(self) -> None:
        """End everything that runs, because another scheduler has it now; nothing is written."""
        for running in list(self._held.running.values()):
            self._held.drop(running)
        self._held.waiting.clear()

    @property
    def nodes(self) -> list[Node]:
        """Nodes that are alive."""
        return self._nodes.alive

    def usable(self) -> list[Node]:
        """Nodes that are alive and not set aside, nor busy with the job that they are tried with."""
        return self._nodes.usable(self._busy())

    def _busy(self) -> set[str]:
        """Nodes on which something runs."""
        return {run.placement.node for run in self._held.running.values()}

    def _claim(self, afresh: bool) -> None:
        self._claiming.claim(self.usable(), self._ticks(), afresh)
        self._avoid = {
            key: self._avoid[key] if key in self._avoid else self._avoided(record)
            for key, record in self._held.waiting.items()
            if record.attempt > record.attempts_before_request
        }

    def _avoided(self, record: JobRecord) -> frozenset[str]:
        return avoided(failed_since(self._store.attempts(record.key), record.attempts_before_request))

    def _give_back(self) -> None:
        self._claiming.give_back(set(self._held.waiting))

    # Starting

    def _start(self, nodes: list[Node]) -> None:
        held, now = self._held, self._ticks()
        known, waiting = {node.name: node for node in nodes}, list(held.waiting.values())
        held.usage.advance(now)
        for placement in choose(
            waiting,
            nodes,
            held.taken(now),
            held.warm,
            self._avoid,
            now,
            epoch=self._clock() - now,
            usage=held.usage,
            seconds=self._expect.seconds,
        ):
            if self._may_begin(placement):
                self._begin(held.waiting[placement.key], placement, known[placement.node])

    def _may_begin(self, placement: Placement) -> bool:
        """Whether a decision still holds, now that others of the same moment were carried out."""
        if placement.key not in self._held.waiting:  # its sweep's budget was found used up
            return False
        return not self._nodes.on_trial(placement.node) or placement.node not in self._busy()

    def _begin(self, record: JobRecord, placement: Placement, node: Node) -> None:
        """Write an attempt down, then start its tasks."""
        if not self._readable(record):
            return
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
            self._held.waiting.pop(record.key)
            self._store.release([record.key], "its start was not confirmed", self.name)
            return
        except OverBudget as refusal:
            self._spending.refuse(record.order.sweep, str(refusal))
            return
        running = Running(record, attempt, placement, self._ticks(), expected=expected)
        self._held.begin(running)
        try:
            self._try_to_start(running, workdir)
        except BaseException:  # the database is away, say: the next claim finds it again
            self._held.drop(running)
            raise

    def _readable(self, record: JobRecord) -> bool:
        """Whether what a job reads is there; what is gone and was made by a job is made again first."""
        try:
            for digest in contents_of(record).values():
                self._contents.get(digest)
        except Unreadable as gone:
            if self._store.lose_content(gone.digest):
                self._held.waiting.pop(record.key)  # the store has it in another form now, or not at all
                return False
        return True

    def _try_to_start(self, running: Running, workdir: Path) -> None:
        try:
            self._start_tasks(running, workdir)
        except InputError as error:
            self._journal.fail(running, Failed(failure=Failure.BAD_CONFIGURATION, reason=str(error)))
        except Unplaceable as error:
            self._journal.fail(running, Failed(failure=Failure.UNFIT, reason=str(error)))

    def _start_tasks(self, running: Running, workdir: Path) -> None:
        record = running.record
        inputs = {name: self._contents.get(digest) for name, digest in contents_of(record).items()}
        if keeps_shards(record):
            running.shards = self._store.shards(record.key)
        tasks = tasks_of(running, inputs, workdir)
        for task in tasks:
            running.open(task.id, self._ticks())
            self._executor.start(task)
        if not tasks:  # every shard was there already
            self._journal.finish(running, Finished(outputs={"clocks": {}}))

    # Ending

    def _end_hung(self) -> None:
        """End what has reported nothing for too long: our own deadline decides, whatever Ray believes."""
        for running in list(self._held.running.values()):
            silence = stage_named(running.record.order.job.stage).silence_seconds
            if failed := running.overdue(self._ticks(), start=START_SECONDS, silence=silence):
                self._journal.fail(running, failed)

    def _end_cancelled(self) -> None:
        """End the processes of what a user has cancelled, and only then say so."""
        cancelled = self._store.cancelled(self.name)
        for key in cancelled:
            self._held.waiting.pop(key, None)
            if running := self._held.running.get(key):
                self._held.drop(running)
        if cancelled:
            self._store.let_go(cancelled)

    def _end_unwanted(self) -> None:
        """End what runs for stopped sweeps only; the next run of one goes on with it."""
        unwanted = self._store.unwanted(self.name)
        for key in unwanted:
            if running := self._held.running.get(key):
                self._held.drop(running)
        if unwanted:
            self._store.release(unwanted, "stopped with its sweep", self.name)
