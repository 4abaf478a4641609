"""The second role of a process that drives a sweep: its cluster's scheduler, or a standby for the scheduler.

A cluster (a Ray cluster, or a machine) has one scheduler for all sweeps of a store. Every driver stands by: when the
scheduler's heartbeat stops, the first driver that notices becomes the scheduler.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType

from cluster.executor import Executor, Node
from cluster.scheduling.heartbeat import Heartbeat
from cluster.scheduling.scheduler import Scheduler
from golf.errors import InputError
from jobs.errors import AlreadyTaken, StoreUnavailable, Unavailable
from jobs.files import FileStore
from jobs.machine import stopping
from jobs.machine.host import process_name
from jobs.paths import Home
from jobs.spec import Machine
from jobs.store import Store
from sweeps.run.patience import Patience

TRY_SECONDS = 2.0
"""How often a standby checks whether its cluster still has a scheduler."""


class Scheduling:
    """Schedules a cluster or stands by; use as a context, which ends everything that it started."""

    def __init__(
        self, store: Store, files: FileStore, home: Home, cluster: str, open_executor: Callable[[], Executor]
    ) -> None:
        self._store, self._files, self._home, self._cluster, self._open = store, files, home, cluster, open_executor
        self._executor: Executor | None = None
        self._scheduler: Scheduler | None = None
        self._heartbeat: Heartbeat | None = None
        self._stack = ExitStack()
        self._checked = -TRY_SECONDS
        self._announced = False
        """Whether this process stands in the store as the cluster's scheduler."""
        self._name = process_name()

    def __enter__(self) -> "Scheduling":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._scheduler is not None:
                with suppress(StoreUnavailable):  # all that it ran has ended; its claims are free when they are stale
                    self._scheduler.stop()
            elif self._announced:  # its cluster was lost before it became the scheduler
                with suppress(StoreUnavailable):
                    self._store.forget_scheduler(self._name)
        finally:
            self._stack.close()

    @property
    def schedules(self) -> bool:
        """Whether this process is the cluster's scheduler now."""
        return self._scheduler is not None

    def step(self, seconds: float) -> None:
        """Schedule, or stand by, for about so long."""
        if self._scheduler is None and time.monotonic() - self._checked >= TRY_SECONDS:
            self._take_over()  # where the store is unavailable, the next step tries again: the outage is not over
            self._checked = time.monotonic()
        if self._scheduler is None or self._heartbeat is None:
            time.sleep(seconds)
            return
        self._heartbeat.working()
        try:
            if self._heartbeat.failure is not None:  # whatever it is, it is for this thread to handle
                self._scheduler.beat()
            self._scheduler.step(seconds)
        except AlreadyTaken:
            self._give_up()

    def wait(self, seconds: float) -> None:
        """Let time pass while the store is unavailable: what runs goes on, and what it reports is kept in memory."""
        if self._scheduler is None or self._heartbeat is None:
            time.sleep(seconds)
            return
        self._heartbeat.working()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._scheduler.read_events(left)

    def slots(self, machine: Machine) -> tuple[int, int]:
        """Usable slots of the cluster, and slots of its largest node; (0, 0) while it has no scheduler.

        A standby knows the totals only; the scheduler counts the nodes of one class of machine.
        """
        if self._scheduler is not None:
            usable = [node.slots for node in self._scheduler.usable() if node.machine.slot_class == machine.slot_class]
            alive = [node.slots for node in self._scheduler.nodes if node.machine.slot_class == machine.slot_class]
            return sum(usable), max(alive, default=0)
        for scheduler in self._store.live_schedulers():
            if scheduler.cluster == self._cluster:
                return scheduler.slots, scheduler.widest
        return 0, 0

    def total_slots(self) -> int:
        """Slots of all nodes that are alive, of whichever class; 0 where this process is not the scheduler."""
        return 0 if self._scheduler is None else sum(node.slots for node in self._scheduler.nodes)

    def finish(self, say: Callable[[str], None]) -> None:
        """Go on scheduling while jobs of other sweeps run here: they would have to start over."""
        announced, outage = False, Patience(say)
        while self._scheduler is not None and (count := self._scheduler.running):
            if not announced:
                say(
                    f"This sweep is done. Still scheduling {count} job{'' if count == 1 else 's'} of other sweeps; "
                    "Ctrl-C stops those, and their own runs restart them."
                )
                announced = True
            stopping.raise_if_stopped()
            try:
                self.step(TRY_SECONDS)
            except StoreUnavailable as error:
                outage.wait(error, self.wait)
            except Unavailable as lost:  # this sweep is done all the same
                say(f"{lost}; jobs of other sweeps ended with it, and their own runs restart them.")
                return
            else:
                outage.end()

    def _take_over(self) -> None:
        live = self._store.live_schedulers()
        if any(other.cluster == self._cluster and other.name != self._name for other in live):
            return
        try:
            self._store.beat(self._name, self._cluster)  # first: a process that comes too late must start nothing
            self._announced = True
            if self._executor is None:
                self._executor = self._open()
                self._stack.callback(self._close)
            scheduler = Scheduler(self._store, self._files, self._executor, self._home, name=self._name)
        except AlreadyTaken:  # another one was faster
            self._announced = False
            self._close()
            return
        self._heartbeat = self._stack.enter_context(Heartbeat(scheduler.beat))
        self._files.on_progress = (
            self._heartbeat.working
        )  # else a content on a slow line looked like a process that hangs
        self._scheduler = scheduler

    def _give_up(self) -> None:
        """End what runs here: another process schedules the cluster now."""
        assert self._scheduler is not None
        self._scheduler.abandon()
        self._scheduler = self._heartbeat = None
        self._announced = False
        self._stack.close()
        self._stack = ExitStack()

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()
        self._executor = None


Runtime = Mapping[str, str | None]
"""A script's own Python, torch, CUDA and GPU."""


def runtime_of(nodes: Sequence[Node], answers: Mapping[str, Runtime | str], before: Runtime | None) -> Runtime:
    """What a script's numbers belong to on a cluster: that of the sweep's first run while a node has it, else the one
    with most slots.

    Args:
        nodes: those of the sweep's machine class.
        answers: node → what the script's interpreter is there, or why it did not say.
        before: that of the sweep's last run.

    Raises:
        InputError: the interpreter runs on none of them.
    """
    slots: dict[str, int] = {}
    for node in nodes:
        answer = answers.get(node.name, "it has left")
        if not isinstance(answer, str):
            name = json.dumps(dict(answer), sort_keys=True)
            slots[name] = slots.get(name, 0) + node.slots
    if not slots:
        why = f"{nodes[0].host}: {answers.get(nodes[0].name)}" if nodes else "no node of its machine class is alive"
        raise InputError(f"cluster: no node runs the script's interpreter; {why}")
    if before and (name := json.dumps(dict(before), sort_keys=True)) in slots:
        best = name
    else:
        best = max(sorted(slots), key=lambda kind: slots[kind])
    runtime: Runtime = json.loads(best)
    return runtime


def machine_of(nodes: Sequence[Node], before: Machine | None) -> Machine:
    """The machine class of a sweep's numbers: that of its first run while there are such nodes, else the one with most
    slots.

    Raises:
        InputError: no node is alive.
    """
    if not nodes:
        raise InputError("cluster: no node with a GPU or CPU is alive")
    slots: dict[str, int] = {}
    for node in nodes:
        slots[node.machine.slot_class] = slots.get(node.machine.slot_class, 0) + node.slots
    if before is not None and before.slot_class in slots:
        return before
    best = max(sorted(slots), key=lambda kind: slots[kind])
    return next(node.machine for node in nodes if node.machine.slot_class == best)
