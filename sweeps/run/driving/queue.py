"""Driving submitted sweeps: one process takes what waits, drives several at once, and schedules its cluster."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from cluster.executors.local import machine_cluster
from cluster.registry import join_cluster, quarantine_hint
from jobs.errors import NO_SPACE, StoreUnavailable
from jobs.machine import environment, stopping
from jobs.spec import Machine
from jobs.store import SubmissionRecord
from jobs.store.submissions import WAITING
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.driven_sweep import ClusterSlots, Site
from sweeps.run.driving.driver_thread import DriverThread
from sweeps.run.driving.opening import open_scheduling
from sweeps.run.driving.shared_executor import SharedExecutor
from sweeps.run.patience import Patience
from sweeps.run.roles import Scheduling
from sweeps.run.waiting import say_if_slow

STEP_SECONDS = 0.5
LOOK_SECONDS = 1.0
"""Between two looks at what waits."""
AGAIN_SECONDS = 60.0
"""Before a sweep is tried once more that could not be driven here."""
MOST_SWEEPS = 32
"""Driven by one process at once; further ones wait in the order of their priorities."""
END_SECONDS = 60.0
"""For the threads to write down what they have when the process is stopped."""


def run_queue(place: Workplace, *, executor: str, say: Callable[[str], None]) -> None:
    """Take submitted sweeps and drive them until this process is interrupted.

    Args:
        place: the home whose submissions are taken.
        executor: where jobs run, as `NAME` or `NAME:ADDRESS` of `cluster.registry.EXECUTORS`.
        say: called with what a person should know.

    Raises:
        InputError: there is no such executor, or the contents of the database are elsewhere.
        Unavailable: the cluster is lost.
        StoreUnavailable: the database or the file store did not answer for `sweeps.run.patience.AWAY_SECONDS`.
    """
    with say_if_slow(say, f"Joining the cluster of --executor {executor}"):
        cluster_there = join_cluster(executor)
    joined = None if cluster_there is None else SharedExecutor(cluster_there)
    try:
        place.claim_files()
        cluster = machine_cluster() if joined is None else joined.cluster
        site = Site(place=place, cluster=cluster, joined=joined, hint=quarantine_hint(executor))

        def open_part(widest: int) -> Scheduling:
            return open_scheduling(place, executor=executor, widest=widest, joined=joined, say=say)

        queue = SweepQueue(site, open_part, say)
        say(f"Taking submitted sweeps for {cluster}. Ctrl-C stops; what has finished is kept.")
        try:
            while True:
                stopping.raise_if_stopped()
                queue.step()
        finally:
            queue.close()
    finally:
        if joined is not None:
            joined.close()


class SweepQueue:
    """The sweeps that this process drives, each in a thread of its own, beside one part in scheduling its cluster.

    Opening a sweep and its end read all of its data and evidence; in threads that stops neither the others nor the
    scheduler.
    """

    def __init__(self, site: Site, open_part: Callable[[int], Scheduling], say: Callable[[str], None]) -> None:
        self._site, self._open, self._say = site, open_part, say
        self._stack, self._part, self._opened_for = ExitStack(), open_part(1), 1
        self._stack.enter_context(self._part)
        self._driven: dict[str, DriverThread] = {}
        """By ticket."""
        self._not_before: dict[str, float] = {}
        """Tickets of what cannot be driven here now → when it is tried once more, by the monotonic clock."""
        self._slots: Mapping[Machine, ClusterSlots] = {}
        """Of each machine class of a driven sweep, as of the last step; read by the threads."""
        self._looked = -LOOK_SECONDS
        self._outage = Patience(say)

    @property
    def driven(self) -> list[str]:
        """Names of the sweeps that are driven now."""
        return [thread.record.sweep for thread in self._driven.values()]

    def step(self) -> None:
        """Take what waits, schedule for about STEP_SECONDS, and let go of what has ended."""
        try:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._looked = time.monotonic()
                self._take()
            self._widen()
            with say_if_slow(self._say, "Waiting for the cluster to answer"):
                self._part.step(STEP_SECONDS)
            self._measure()
            self._outage.end()
        except StoreUnavailable as error:
            if error.errno in NO_SPACE:  # nothing more can be kept until somebody makes room
                raise
            self._outage.wait(error, self._part.wait)

    def close(self) -> None:
        """Stop every sweep so that others may take them, then end what runs here."""
        with self._stack:
            for thread in self._driven.values():
                thread.stop(stopping.reason())
            until = time.monotonic() + END_SECONDS
            for thread in self._driven.values():
                thread.join(max(0.0, until - time.monotonic()))

    def _take(self) -> None:
        """Look after the threads, and begin to drive what waits as far as there is room."""
        store, now = self._site.place.store, time.monotonic()
        records = {record.ticket: record for record in store.open_submissions() if record.state in WAITING}
        for ticket, thread in list(self._driven.items()):
            if thread.is_running:
                thread.follow(records.get(ticket) or store.submission(thread.record.sweep))
            else:
                del self._driven[ticket]
                if thread.is_to_wait:
                    self._not_before[ticket] = now + AGAIN_SECONDS
        classes = None
        for record in records.values():
            taken = record.ticket in self._driven or record.sweep in self.driven
            if taken or now < self._not_before.get(record.ticket, now) or store.driver_of(record.sweep) is not None:
                continue
            if len(self._driven) >= MOST_SWEEPS:
                break
            classes = classes or self._classes()
            if not self._suits(record, classes):
                self._not_before[record.ticket] = now + AGAIN_SECONDS
                continue
            self._driven[record.ticket] = thread = DriverThread(record, self._site, self._slots_of, self._say)
            thread.start()

    def _classes(self) -> set[str]:
        """Machine classes of this cluster's slots."""
        if self._site.joined is None:
            return {environment.machine().slot_class}
        return {node.machine.slot_class for node in self._site.joined.nodes()}

    def _suits(self, record: SubmissionRecord, classes: set[str]) -> bool:
        """Whether a sweep goes on here: its numbers belong to the machine class on which it was begun."""
        begun = self._site.place.store.sweep(record.sweep)
        machine = None if begun is None else begun.spec.get("machine")
        if not machine or Machine(**machine).slot_class in classes:
            return True
        if record.ticket not in self._not_before:
            self._say(f"{record.sweep}: was begun on {machine['device']}, and waits for a queue there.")
        return False

    def _widen(self) -> None:
        """Open this machine's slots anew where a sweep has wider jobs; what runs meanwhile goes on from what it kept.

        A slot of a machine without GPUs is a process, so there may be as many as a gang needs.
        """
        sweeps = [sweep for thread in self._driven.values() if (sweep := thread.sweep) is not None]
        needed = max((sweep.widest() for sweep in sweeps), default=0)
        if self._site.joined is not None or needed <= self._opened_for or not self._part.schedules:
            return
        widest = max(self._part.slots(sweep.machine)[1] for sweep in sweeps)
        if needed > widest:
            self._slots = {}
            self._stack.close()
            self._stack, self._part = ExitStack(), self._open(needed)
            self._stack.enter_context(self._part)
        self._opened_for = needed

    def _measure(self) -> None:
        """Note how many slots there are for each driven sweep."""
        machines = {sweep.machine for thread in self._driven.values() if (sweep := thread.sweep) is not None}
        sizes = {machine: self._part.slots(machine) for machine in machines}
        self._slots = {
            machine: ClusterSlots(usable=usable, widest=widest, is_ours=self._part.schedules)
            for machine, (usable, widest) in sizes.items()
        }

    def _slots_of(self, sweep: Sweep) -> ClusterSlots:
        """How many slots there are for a sweep, as far as that is known yet."""
        may_widen = self._site.joined is None and self._part.schedules
        known = self._slots.get(sweep.machine)
        if known is None or (may_widen and sweep.widest() > self._opened_for):
            return ClusterSlots(usable=0, widest=0, is_ours=False)
        return known
