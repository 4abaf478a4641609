"""One sweep that this process drives: from its lease to its end, a step at a time, beside whatever else it drives."""

import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from cluster.executor import JoinedExecutor
from golf.errors import InputError
from jobs.errors import LostLease, StoreUnavailable
from jobs.machine import stopping
from jobs.secrets import hide_passwords
from jobs.spec import Machine
from jobs.state import JobState, SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.driver import Driver
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.opening import check_interpreter, keep_script, resolve, script_runtime, sweep_machine
from sweeps.run.entries import EntryWriter
from sweeps.run.evidence import remake_lost
from sweeps.run.forecasts.time_left import TimeLeft
from sweeps.run.lease import DriverLease
from sweeps.run.memory import check_memory
from sweeps.run.waiting import HOW_TO_STOP, WaitNotice, say_if_slow
from sweeps.spec.file import SweepSpec


class TooWide(InputError):
    """A job of the sweep needs more slots than the largest node of the cluster has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where this process drives sweeps."""

    place: Workplace
    cluster: str
    """The cluster that runs their jobs."""
    joined: JoinedExecutor | None = None
    """The cluster, if it was running already; None where jobs run on this machine."""
    hint: str = ""
    """What tells why nodes are quarantined."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterSlots:
    """How many slots of a machine class a cluster has now."""

    usable: int
    widest: int
    """Of the largest node."""
    is_ours: bool
    """Whether this process schedules the cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runner:
    """In whose name a sweep is driven."""

    owner: str | None = None
    """Whose a new sweep is; None: this process's user."""
    agent: str | None = None
    """Name of the agent that runs it; None for a person."""
    tags: Collection[str] = ()
    """Added to the sweep's."""
    priority: int | None = None
    """In place of that of the file."""
    folder: Path = Path()
    """What the paths of a script's files are relative to."""


class DrivenSweep:
    """A sweep from its beginning to its end, under a lease that is held already; use as a context.

    Raises (on entering): InputError if it cannot be run as its file is. An error that leaves the context stops the
    sweep, with the error as the reason, unless another process has the lease by then.
    """

    def __init__(
        self,
        spec: SweepSpec,
        site: Site,
        lease: DriverLease,
        runner: Runner,
        *,
        show: Callable[[Snapshot, float | None], None] | None,
        say: Callable[[str], None],
    ) -> None:
        """Prepare it; `show` is called at every look with its state and the estimated seconds left."""
        self._spec, self._site, self._place, self._lease, self._runner = spec, site, site.place, lease, runner
        self._show, self._say = show, say
        self._stack = ExitStack()
        self._sweep: Sweep
        self._driver: Driver
        self._notice = WaitNotice(say)
        self._ever_fit = self._has_run = False
        self.end: Snapshot | None = None
        """How it ended; None as long as it has not."""

    def __enter__(self) -> "DrivenSweep":
        self._stack.enter_context(_stopped_on_error(self._spec.name, self._place.store))
        try:
            self._begin()
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.end is None:  # an interruption or error
            with suppress(LostLease, StoreUnavailable):  # the next run writes them
                self._writer.write()  # what finished after the last look
        self._stack.__exit__(kind, error, trace)

    @property
    def sweep(self) -> Sweep:
        """What it was resolved to."""
        return self._sweep

    def look(self, slots: Callable[[Sweep], ClusterSlots]) -> bool:
        """Order what can be ordered now; returns whether the sweep has come to its end.

        Args:
            slots: how large the cluster is now; asked only if there is something left to run.

        Raises:
            TooWide: no node of the cluster was ever large enough for it.
            LostLease: another process drives it now.
            StoreUnavailable: the database or the file store is unavailable; call again later.
        """
        self._lease.renew()
        snapshot = self._driver.step()
        if snapshot.done or snapshot.ended:
            return self._finish(snapshot)
        self._has_run, now, needed = True, slots(self._sweep), self._sweep.widest()
        self._writer.update(snapshot)
        if self._show is not None:
            self._show(snapshot, self._time_left.estimate(snapshot, now.usable, now.widest))
        fits = now.usable > 0 and needed <= now.widest
        if now.usable and not fits and not self._ever_fit:
            raise TooWide(f"a job needs {needed} slots of one node; the largest has {now.widest}")
        self._ever_fit |= fits
        no_node = None
        if now.is_ours and not fits:
            which = f"with {needed} slots of class {self._sweep.machine.device}"
            no_node = f"No usable node {which}; waiting. {HOW_TO_STOP}. {self._site.hint}".rstrip()
        self._notice.update(no_node, snapshot)
        return False

    @property
    def priority(self) -> int:
        """What its jobs are ordered with."""
        return self._sweep.spec.priority

    def stop(self, reason: str) -> Snapshot:
        """End it before it is done; its next run goes on. Whoever has ended it already is left to be the reason."""
        with suppress(LostLease, StoreUnavailable):
            self._writer.write()
        self._place.store.end_sweep(self._spec.name, SweepState.STOPPED, reason)
        self.end = replace(self._driver.step(), done=False)
        return self.end

    def prioritize(self, priority: int) -> None:
        """Let what is ordered from now on, and what waits, have another priority."""
        self._sweep = replace(self._sweep, spec=replace(self._sweep.spec, priority=priority))
        waiting = self._place.store.jobs(self._spec.name, [JobState.QUEUED])
        self._driver = Driver(
            spec=self._sweep.spec,
            store=self._place.store,
            orders=self._sweep.orders(),
            retry=[job.key for job in waiting],
        )

    def _begin(self) -> None:
        spec, place, joined, store = self._spec, self._place, self._site.joined, self._place.store
        self._started = store.last_event()
        place.claim_files()
        with say_if_slow(self._say, "Waiting for a node of the cluster to report its machine class"):
            machine: Machine = sweep_machine(spec.name, store, joined)
        if joined is None:  # a cluster's nodes check their own memory, before they build a model
            check_memory(spec)
        runtime = script_runtime(spec, store, joined, machine)
        sweep = resolve(spec, place.home, machine, self._say, runtime, folder=self._runner.folder)
        check_interpreter(sweep)
        keep_script(sweep, place, self._runner.folder)
        if (priority := self._runner.priority) is not None:
            sweep = replace(sweep, spec=replace(sweep.spec, priority=priority))
        self._sweep, self._driver = sweep, sweep.driver(store)
        self._put()
        self._writer = EntryWriter(sweep, store, place.files)
        self._writer.write()  # an edited file may have other entries than at its last run
        remake_lost(sweep, place, self._started, self._say)
        self._time_left = TimeLeft(sweep, store, time.time())

    def _put(self) -> None:
        """Write the sweep down as running, without the unfinished jobs that its file does not need any more."""
        name, store, runner = self._spec.name, self._place.store, self._runner
        if obsolete := self._driver.obsolete():  # before the sweep runs, so that no scheduler starts any of them
            store.withdraw(name, obsolete)
            self._say(f"Dropped {len(obsolete)} unfinished jobs that the edited file no longer needs.")
        before = store.sweep(name)
        known = [] if before is None else before.spec.get("runners", [])
        runners = list(dict.fromkeys([*known, "person" if runner.agent is None else f"agent {runner.agent}"]))
        content = {**self._sweep.to_json(), "runners": runners}
        store.put_sweep(name, content, self._spec.budget.limits(), runner.owner)
        if runner.tags:
            store.tag(name, runner.tags)

    def _finish(self, snapshot: Snapshot) -> bool:
        """Write the end of a sweep, unless evidence of its entries was lost and is made again."""
        if self._has_run and self._show is not None and snapshot.done:
            self._show(snapshot, self._time_left.estimate(snapshot, 0, 0))
        self._writer.write()
        if self._has_run and not snapshot.ended and remake_lost(self._sweep, self._place, self._started, self._say):
            return False
        if snapshot.done:
            self._writer.write(final=True)
        state = SweepState.FAILED if snapshot.failures or snapshot.blocked else SweepState.DONE
        self._place.store.end_sweep(self._spec.name, state)  # one that was ended before stays as it is
        self.end = snapshot
        return True


@contextmanager
def _stopped_on_error(name: str, store: Store) -> Iterator[None]:
    """Write down that a sweep has stopped when an error ends this process's work, unless it is not its driver now."""
    try:
        yield
    except LostLease:
        raise
    except BaseException as error:
        with suppress(LostLease, StoreUnavailable):  # the error is what ended the work, whatever can be written of it
            if store.sweep(name):
                is_signal = isinstance(error, KeyboardInterrupt)
                reason = stopping.reason() if is_signal else hide_passwords(str(error)) or type(error).__name__
                store.end_sweep(name, SweepState.STOPPED, reason)
        raise
