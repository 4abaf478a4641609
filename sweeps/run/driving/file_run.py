"""Driving the sweep of a file that this process was started with, as people decide meanwhile."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from jobs.errors import LostLease, StoreUnavailable
from jobs.machine import stopping
from jobs.machine.host import process_name
from jobs.secrets import hide_passwords
from jobs.state import SubmissionState
from jobs.store import SubmissionRecord, SubmittedContent
from jobs.store.submissions import ACTIVE
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.decisions import LOOK_SECONDS, OwnDecisions, drive_until_end
from sweeps.run.driving.driven_sweep import ClusterSlots, DrivenSweep, Runner, Site
from sweeps.run.driving.versions import put_files, read_version
from sweeps.run.lease import DriverLease
from sweeps.run.patience import Patience
from sweeps.run.roles import Scheduling
from sweeps.run.waiting import say_if_slow
from sweeps.spec.file import SweepSpec

STEP_SECONDS = 0.5


class FileRun:
    """Drives one sweep to its end: the version that it was started with, and those that people put in its place."""

    def __init__(
        self,
        spec: SweepSpec,
        site: Site,
        runner: Runner,
        content: SubmittedContent | None,
        *,
        open_part: Callable[[int], Scheduling],
        show: Callable[[Snapshot, float | None], None],
        say: Callable[[str], None],
    ) -> None:
        """Prepare it.

        Args:
            spec: the sweep.
            site: where it is driven.
            runner: in whose name.
            content: what its file says; None if nobody can decide about it but by ending it.
            open_part: this process's part in scheduling the cluster, for jobs of so many slots.
            show: called at every look with the sweep's state and the estimated seconds left.
            say: called with what else a person should know.
        """
        self._spec, self._site, self._runner, self._content = spec, site, runner, content
        self._open, self._show, self._say = open_part, show, say
        self._store, self._name = site.place.store, spec.name
        self._part: Scheduling | None = None
        self._lease = DriverLease(self._store, spec.name, process_name(), site.cluster, say)

    def drive(self, *, takes_over: bool) -> Snapshot:
        """Drive it to its end.

        Args:
            takes_over: whether another process drove it until now, so that its version goes on, not that of the file.

        Raises:
            AlreadyDriven: another process drives it.
            What `sweeps.run.session.run` raises.
        """
        with self._lease:
            record = self._version_there() if takes_over else None
            while True:
                with self._ended_on_error(), self._driven(record) as driven:
                    record = record or self._write_version()
                    decisions = OwnDecisions(record, self._store)
                    end = self._drive(driven, decisions)
                if record is None:
                    return end
                if decisions.reason is None:
                    failed = "failed" if end.failures or end.blocked else "done"
                    self._store.end_submission(record.ticket, end.ended or failed)
                    return end
                with self._ended_on_error():
                    record = self._next_version(decisions.reason)
                if record is None:
                    return replace(end, ended=self._state())

    @contextmanager
    def _driven(self, record: SubmissionRecord | None) -> Iterator[DrivenSweep]:
        """The sweep as its file says, or as a version says that others have put in its place."""
        spec, folder, runner = self._spec, Path(), self._runner
        if record is not None and (self._content is None or record.digest != self._content.digest):
            spec, folder = read_version(record, self._site.place)
            runner = Runner(owner=record.owner, agent=record.agent, tags=record.tags, folder=folder)
        try:
            with DrivenSweep(spec, self._site, self._lease, runner, show=self._show, say=self._say) as driven:
                yield driven
        finally:
            if folder != Path():  # jobs read the file store, not these
                shutil.rmtree(folder, ignore_errors=True)

    def _drive(self, driven: DrivenSweep, decisions: OwnDecisions) -> Snapshot:
        def slots(sweep: Sweep) -> ClusterSlots:
            self._part = self._open(sweep.widest())
            usable, widest = self._part.slots(sweep.machine)
            return ClusterSlots(usable=usable, widest=widest, is_ours=self._part.schedules)

        return drive_until_end(driven, decisions, slots, pause=self._step, wait=self._wait, say=self._say)

    def _step(self, seconds: float = STEP_SECONDS) -> None:
        if self._part is None:
            return time.sleep(seconds)
        with say_if_slow(self._say, "Waiting for the cluster to answer"):
            self._part.step(seconds)

    def _wait(self, seconds: float) -> None:
        (time.sleep if self._part is None else self._part.wait)(seconds)

    # The versions of its file

    def _write_version(self) -> SubmissionRecord | None:
        """Write down what the file says as the latest version of the sweep, unless it is that, and take it."""
        if self._content is None:
            return None
        self._content, name, store = (
            put_files(self._content, self._spec, self._site.place.files),
            self._name,
            self._store,
        )
        before = store.submission(name)
        written = store.submit(
            name, self._content, agent=self._runner.agent, tags=sorted(self._runner.tags), priority=self._spec.priority
        )
        if before is not None and written.is_new:
            self._say(f"The file replaces version {before.version}, of {before.owner}.")
        if written.record.tags:
            store.tag(name, written.record.tags)
        return store.take_by_hand(name)

    def _version_there(self) -> SubmissionRecord | None:
        """The version that another process drove until now; None if there is none."""
        if self._content is None or (latest := self._store.submission(self._name)) is None:
            return None
        self._content = put_files(self._content, self._spec, self._site.place.files)
        return self._store.take_by_hand(self._name) if latest.state in ACTIVE else None

    def _next_version(self, reason: str) -> SubmissionRecord | None:
        """The version to go on with, after waiting as long as the sweep is paused; None if it does not go on."""
        outage, has_said = Patience(self._say), False
        while True:
            stopping.raise_if_stopped()
            try:
                self._lease.renew()
                latest = self._store.submission(self._name)
                if latest is None or latest.state in (SubmissionState.ENDED, SubmissionState.CANCELLED):
                    return None
                if (taken := self._store.take_by_hand(self._name, waiting=True)) is not None:
                    self._say(f"Goes on with version {taken.version}, of {taken.owner}.")
                    return taken
                if not has_said:
                    has_said = True
                    self._say(f"{reason[:1].upper()}{reason[1:]}; goes on when somebody resumes it. Ctrl-C stops it.")
                self._step(LOOK_SECONDS)
                outage.end()
            except StoreUnavailable as error:
                outage.wait(error, self._wait)

    @contextmanager
    def _ended_on_error(self) -> Iterator[None]:
        """Write down that nobody goes on with the version that is driven when an error ends this process's work."""
        try:
            yield
        except LostLease:
            raise
        except BaseException as error:
            with suppress(LostLease, StoreUnavailable):
                latest = self._store.submission(self._name)
                if latest is not None and latest.state == SubmissionState.BY_HAND:
                    is_signal = isinstance(error, KeyboardInterrupt)
                    reason = stopping.reason() if is_signal else hide_passwords(str(error)) or type(error).__name__
                    self._store.end_submission(latest.ticket, reason)
            raise

    def _state(self) -> str | None:
        """Why the sweep ended before it was done, as the database has it now."""
        record = self._store.sweep(self._name)
        return None if record is None else ": ".join(filter(None, (record.state, record.reason)))
