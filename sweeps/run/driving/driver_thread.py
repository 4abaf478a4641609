"""A thread that drives one submitted sweep, from taking it to giving it back; an error of it ends it alone."""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from golf.errors import InputError
from golf.files import write_atomically
from golf.threads import BackgroundThread
from jobs.errors import NO_SPACE, AlreadyDriven, LostLease, StoreUnavailable, Unavailable
from jobs.files import FileStore
from jobs.machine.host import process_name
from jobs.secrets import hide_passwords
from jobs.state import SubmissionState
from jobs.store import SubmissionRecord
from jobs.store.submissions import REPLACED, WAITING
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.driven_sweep import ClusterSlots, DrivenSweep, Runner, Site, TooWide
from sweeps.run.lease import DriverLease
from sweeps.run.patience import Patience
from sweeps.spec.submitted import is_inside, read_submitted

STEP_SECONDS = 0.5
_log = logging.getLogger(__name__)


class DriverThread:
    """Drives a submission under a lease of its own, beside other threads of this process."""

    def __init__(
        self,
        record: SubmissionRecord,
        site: Site,
        slots: Callable[[Sweep], ClusterSlots],
        say: Callable[[str], None],
    ) -> None:
        """Prepare it.

        Args:
            record: what is driven.
            site: where.
            slots: how large the cluster is now.
            say: called with what a person should know, after the sweep's name.
        """
        self.record, self._slots = record, slots
        # A store of its own: it knows which leases are held, and each sweep has its own holder here.
        self._site = replace(site, place=replace(site.place, store=site.place.store.acting_as(site.place.store.user)))
        self._say_to = say
        self.sweep: Sweep | None = None
        """What it was resolved to; None until then."""
        self.is_to_wait = False
        """Whether it could not be driven here now, so that another process should have the chance."""
        self._reason: str | None = None
        """Why it is to stop; None as long as it is not."""
        self._priority = record.priority
        self._wake = threading.Event()
        self._thread = BackgroundThread(f"driver of {record.sweep}", self._run)
        self.start, self.join = self._thread.start, self._thread.join

    @property
    def is_running(self) -> bool:
        """Whether it still drives, or has yet to give the sweep back."""
        return self._thread.is_running

    def stop(self, reason: str) -> None:
        """Stop the sweep at its next look."""
        self._reason = self._reason or reason
        self._wake.set()

    def follow(self, latest: SubmissionRecord | None) -> None:
        """Do what people have decided since: `latest` is the sweep's latest version as it stands now."""
        if latest is None:
            self.stop("its submission is gone")
        elif latest.ticket != self.record.ticket:
            self.stop(REPLACED.format(latest.version))
        elif latest.state not in WAITING:
            self.stop(latest.reason or latest.state)
        else:
            self._priority = latest.priority

    def _run(self) -> None:
        store, ticket = self._site.place.store, self.record.ticket
        try:
            with DriverLease(store, self.record.sweep, process_name(), self._site.cluster, self._say) as lease:
                if store.take_submission(ticket):
                    self._take(lease)
        except AlreadyDriven:  # by a process that was faster
            return
        except LostLease as error:
            self._say(str(error))
        except (StoreUnavailable, Unavailable) as error:
            self._say(f"{error}; tried again later")

    def _take(self, lease: DriverLease) -> None:
        """Drive it, and write down what became of the submission."""
        store, ticket = self._site.place.store, self.record.ticket
        self._say(f"taken (version {self.record.version}, of {self.record.owner})")
        try:
            state, reason = self._drive(lease)
        except LostLease:
            raise
        except (TooWide, StoreUnavailable, Unavailable) as error:
            self.is_to_wait, state, reason = True, SubmissionState.QUEUED, hide_passwords(str(error))
        except Exception as error:
            if not isinstance(error, InputError):
                _log.exception("sweep %s", self.record.sweep)
            state, reason = SubmissionState.ENDED, hide_passwords(str(error)) or type(error).__name__
        finally:  # jobs read the file store, not these
            shutil.rmtree(self._site.place.home.submission(ticket), ignore_errors=True)
        self._say(reason)
        if state == SubmissionState.QUEUED:
            store.return_submission(ticket, reason if self.is_to_wait else None)
        else:
            store.end_submission(ticket, reason)

    def _drive(self, lease: DriverLease) -> tuple[SubmissionState, str]:
        """Drive the sweep to its end; what the submission is then, and why."""
        record, outage = self.record, Patience(self._say)
        spec = read_submitted(record.file, record.assignments, record.files)
        if spec.name != record.sweep:
            raise InputError(f"the sweep file names the sweep {spec.name}; expected {record.sweep}")
        folder = self._site.place.home.submission(record.ticket)
        write_files(record.files, self._site.place.files, folder)
        runner = Runner(
            owner=record.owner, agent=record.agent, tags=record.tags, priority=record.priority, folder=folder
        )
        with DrivenSweep(spec, self._site, lease, runner, show=None, say=self._say) as driven:
            self.sweep, priority = driven.sweep, record.priority
            while self._reason is None:
                try:
                    if self._priority != priority:
                        priority = self._priority
                        driven.prioritize(priority)
                    if driven.look(self._slots):
                        break
                    outage.end()
                    self._wake.wait(STEP_SECONDS)
                except StoreUnavailable as error:
                    if error.errno in NO_SPACE:
                        raise
                    outage.wait(error, self._pause)
            if driven.end is None:
                assert self._reason is not None
                driven.stop(self._reason)
                return SubmissionState.QUEUED, f"stopped: {self._reason}"
            end = driven.end
        failed = "failed" if end.failures or end.blocked else "done"
        return SubmissionState.ENDED, end.ended or failed

    def _say(self, text: str) -> None:
        self._say_to(f"{self.record.sweep}: {text}")

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)


def write_files(files: Mapping[str, str], source: FileStore, folder: Path) -> None:
    """Write the files of a submission from the file store to their paths below a folder.

    Raises:
        InputError: a path leaves the folder, or a content is not in the file store.
        StoreUnavailable: the file store does not answer.
    """
    for path, digest in files.items():
        if not is_inside(path):
            raise InputError(f"{path}: not a path below the folder of the sweep file")
        write_atomically(folder / path, source.get(digest))
