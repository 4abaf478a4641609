"""The scheduler: claims jobs from the store, places them on slots, and writes down what they report.

A cluster has one scheduler, for all sweeps. Any process may be it, because everything that matters is in the store: if
it dies, another one continues from finished shards and checkpoints. Events of tasks are written in the order in which
they came, and an event is dropped only once it is written, so that the database may be unavailable for a while.
"""

import time
from collections.abc import Callable
from pathlib import Path

from cluster.executor import Executor, Node, Unplaceable
from cluster.policy.policy import Placement
from cluster.policy.retry import avoided, failed_since
from cluster.scheduling.claiming import Claiming
from cluster.scheduling.expectations import REMEMBERED_JOBS, Expectations
from cluster.scheduling.journal import EventWriter
from cluster.scheduling.node_health import NodeHealth
from cluster.scheduling.spending import Spending
from cluster.scheduling.state.contents import Contents
from cluster.scheduling.state.in_flight import InFlight
from cluster.scheduling.state.running import Running
from cluster.scheduling.state.unwritten import UnwrittenEvents
from cluster.scheduling.tasks import contents_of, keeps_shards, tasks_of
from golf.errors import InputError
from jobs.errors import Forbidden, NotReady, Unreadable
from jobs.events import Failed, Failure, Finished
from jobs.files import FileStore
from jobs.machine import software
from jobs.machine.host import process_name
from jobs.paths import Home
from jobs.stages.registry import stage_of
from jobs.store import JobRecord, LostClaim, OverBudget, Store, StoreUnavailable

BEAT_SECONDS = 5.0
START_SECONDS = 300.0
"""Time in which a worker must report for the first time; a ready placement group is no guarantee (ray#42683)."""
LOOK_SECONDS = 1.0
"""How often it asks the store for cancelled jobs, and whether its claims are still the best."""


class Scheduler:
    """The scheduler of one cluster; call `step` until nothing is left to do, and `stop` in any case.

    Raises (any method):
        AlreadyTaken: another process has become this cluster's scheduler; everything that this one runs must end.
        StoreUnavailable: the database or the file store is unavailable; call again later.
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
            name: a unique name.
            clock: epoch seconds, for what people read.
            ticks: seconds of a clock that nobody can set, for every duration.
        """
        self._store, self._executor, self._home, self._clock, self._ticks = store, executor, home, clock, ticks
        self.name = name or process_name()
        self._avoid: dict[str, frozenset[str]] = {}
        """Key of a waiting job → nodes that it should not go back to."""
        self._unwritten = UnwrittenEvents()
        self._epoch = clock() - ticks()
        """Epoch seconds at which `ticks` showed 0, as of now."""
        self._beaten = self._looked = -LOOK_SECONDS
        self._since = store.last_event()
        self._nodes = NodeHealth(store, executor, clock, ticks)
        self.beat()
        self._nodes.read_verdicts()
        self._in_flight = InFlight(executor, ticks)
        self._claiming = Claiming(store, self._in_flight, self.name)
        self._spending = Spending(store, self._in_flight, self.name)
        self._contents = Contents(files)
        self._expect = Expectations(store.recently_done(REMEMBERED_JOBS))
        self._events = EventWriter(store, self._contents, self._in_flight, self._nodes, self._expect, ticks, self.name)

    def step(self, timeout: float) -> None:
        """One round: beat, claim, start what can start, and wait up to `timeout` seconds for events."""
        try:
            self._decide()
        except StoreUnavailable:
            self.read_events(0.0)
            raise
        self.read_events(timeout)
        while (first := self._unwritten.first()) is not None:
            self._events.write(first.task_id, first.event, first.at)
            self._unwritten.drop_first()
        self._end_hung()  # last: after a pause, many events may not have been read yet

    def read_events(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for events, and keep them until they can be written; needs no store."""
        self._unwritten.add(self._executor.poll(timeout), self._ticks())

    def _decide(self) -> None:
        """Beat, claim, and start what can start."""
        if self._ticks() - self._beaten >= BEAT_SECONDS:
            self.beat()
            self._nodes.read_verdicts()
            self._spending.hold_to_budgets()
        self._nodes.look()
        self._in_flight.placing.see_nodes(self.usable())
        if afresh := self._ticks() - self._looked >= LOOK_SECONDS:
            self._looked = self._ticks()
            self._end_cancelled()
            self._end_unwanted()
        self._claim(afresh)
        self._start()

    def beat(self) -> None:
        """Write this scheduler's heartbeat; safe to call from another thread."""
        sizes = [node.slots for node in self.nodes]
        self._store.beat(self.name, self._executor.cluster, sum(sizes), max(sizes, default=0))
        self._beaten = self._ticks()

    @property
    def running(self) -> int:
        """Number of running jobs."""
        return len(self._in_flight.running)

    def stop(self) -> None:
        """End all running jobs, and release every claim."""
        for running in list(self._in_flight.running.values()):
            self._in_flight.drop(running)
            self._in_flight.waiting[running.key] = running.record
        self._give_back()
        self._store.forget_scheduler(self.name)

    def abandon(self) -> None:
        """End all running jobs without writing anything: another scheduler has them now."""
        for running in list(self._in_flight.running.values()):
            self._in_flight.drop(running)
        self._in_flight.waiting.clear()

    @property
    def nodes(self) -> list[Node]:
        """Nodes that are alive."""
        return self._nodes.alive

    def usable(self) -> list[Node]:
        """Nodes that are alive and not quarantined; a node on trial is usable while nothing runs on it."""
        return self._nodes.usable(self._busy())

    def _busy(self) -> set[str]:
        """Nodes on which jobs run."""
        return {run.placement.node for run in self._in_flight.running.values()}

    def _claim(self, afresh: bool) -> None:
        self._claiming.claim(self._ticks(), afresh)
        self._avoid = {
            key: self._avoid[key] if key in self._avoid else self._avoided(record)
            for key, record in self._in_flight.waiting.items()
            if record.attempt > record.attempts_before_request
        }

    def _avoided(self, record: JobRecord) -> frozenset[str]:
        return avoided(failed_since(self._store.attempts(record.key), record.attempts_before_request))

    def _give_back(self) -> None:
        self._claiming.give_back(set(self._in_flight.waiting))

    # Starting

    def _start(self) -> None:
        in_flight, placing, now = self._in_flight, self._in_flight.placing, self._ticks()
        nodes = {node.name: node for node in self._nodes.alive}
        epochs = (self._epoch, self._clock() - now)
        placing.see_jobs(in_flight.waiting.values(), self._avoid, now, epochs, self._expect.seconds)
        placements = placing.decide(now)
        try:
            for placement in placements:
                if self._may_begin(placement):
                    self._begin(in_flight.waiting[placement.key], placement, nodes[placement.node])
        finally:  # of what did not begin, whatever still waits is placed anew
            placing.retract(placements, in_flight.running, now)

    def _may_begin(self, placement: Placement) -> bool:
        """Whether a placement is still valid after others of the same moment were carried out."""
        if placement.key not in self._in_flight.waiting:  # its sweep's budget turned out to be spent
            return False
        return not self._nodes.on_trial(placement.node) or placement.node not in self._busy()

    def _begin(self, record: JobRecord, placement: Placement, node: Node) -> None:
        """Write an attempt to the store, then start its tasks."""
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
                versions=software.versions(),
                commit=software.commit(),
                node=node.name,
                slots=len(placement.slots),
                sweep=record.order.sweep,
                seconds=expected,
            )
        except LostClaim:  # or the database's answer to an earlier start was lost
            self._in_flight.waiting.pop(record.key)
            self._store.release([record.key], "its start was not confirmed", self.name)
            return
        except OverBudget as refusal:
            self._spending.refuse(record.order.sweep, str(refusal))
            return
        running = Running(record, attempt, placement, self._ticks(), expected=expected)
        self._in_flight.begin(running)
        try:
            self._try_to_start(running, workdir)
        except BaseException:  # e.g. the database is unavailable: the next claim takes it again
            self._in_flight.drop(running)
            raise

    def _readable(self, record: JobRecord) -> bool:
        """Whether a job's inputs can be read; a lost input that a job made is made again first."""
        try:
            for digest in contents_of(record).values():
                self._contents.get(digest)
        except Forbidden as error:
            raise StoreUnavailable(str(error)) from None
        except Unreadable as lost:
            remade = self._store.lose_content(lost.digest, self._since)
            self._contents.discard_damaged(lost.digest)
            if remade:
                self._in_flight.waiting.pop(record.key)  # the store has queued it behind the job that makes its input
                return False
        return True

    def _try_to_start(self, running: Running, workdir: Path) -> None:
        try:
            self._start_tasks(running, workdir)
        except InputError as error:
            failure = Failure.NOT_READY if isinstance(error, NotReady) else Failure.BAD_CONFIGURATION
            self._events.fail(running, Failed(failure=failure, reason=str(error)), self._ticks())
        except Unplaceable as error:
            self._events.fail(running, Failed(failure=Failure.UNFIT, reason=str(error)), self._ticks())

    def _start_tasks(self, running: Running, workdir: Path) -> None:
        record = running.record
        inputs = {name: self._contents.get(digest) for name, digest in contents_of(record).items()}
        if keeps_shards(record):
            running.shards = self._store.shards(record.key)
        tasks = tasks_of(running, inputs, workdir)
        for task in tasks:
            running.open(task.id, self._ticks())
            self._executor.start(task)
        if not tasks:  # every shard is there already
            self._events.finish(running, Finished(outputs={"clocks": {}}), self._ticks())

    # Ending

    def _end_hung(self) -> None:
        """End jobs without a message for too long: our own deadline decides, whatever Ray reports."""
        for running in list(self._in_flight.running.values()):
            order = running.record.order
            silence = stage_of(order.job).silence(order)
            if failed := running.overdue(self._ticks(), start=START_SECONDS, silence=silence):
                self._events.fail(running, failed, self._ticks())

    def _end_cancelled(self) -> None:
        """End the processes of cancelled jobs, and only then confirm it."""
        cancelled = self._store.cancelled(self.name)
        for key in cancelled:
            self._in_flight.waiting.pop(key, None)
            if running := self._in_flight.running.get(key):
                self._in_flight.drop(running)
        if cancelled:
            self._store.confirm_ended(cancelled)

    def _end_unwanted(self) -> None:
        """End jobs that only stopped sweeps need; the next run of such a sweep resumes them."""
        unwanted = self._store.unneeded(self.name)
        for key in unwanted:
            if running := self._in_flight.running.get(key):
                self._in_flight.drop(running)
        if unwanted:
            self._store.release(unwanted, "stopped with its sweep", self.name)
