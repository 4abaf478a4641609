"""A thread that drives one submitted sweep, from taking it to giving it back; an error of it ends it alone."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace

from golf.errors import InputError
from golf.threads import BackgroundThread
from jobs.errors import AlreadyDriven, LostLease, StoreUnavailable, Unavailable
from jobs.machine.host import process_name
from jobs.secrets import hide_passwords
from jobs.state import SubmissionState
from jobs.store import SubmissionRecord
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.decisions import Decisions, drive_until_end
from sweeps.run.driving.driven_sweep import ClusterSlots, DrivenSweep, Runner, Site, TooWide
from sweeps.run.driving.versions import read_version
from sweeps.run.lease import DriverLease

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
        self._decisions = Decisions(record)
        self.stop, self.follow = self._decisions.stop, self._decisions.follow
        self._thread = BackgroundThread(f"driver of {record.sweep}", self._run)
        self.start, self.join = self._thread.start, self._thread.join

    @property
    def is_running(self) -> bool:
        """Whether it still drives, or has yet to give the sweep back."""
        return self._thread.is_running

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
        record, decisions = self.record, self._decisions
        spec, folder = read_version(record, self._site.place)
        runner = Runner(
            owner=record.owner, agent=record.agent, tags=record.tags, priority=record.priority, folder=folder
        )
        with DrivenSweep(spec, self._site, lease, runner, show=None, say=self._say) as driven:
            self.sweep = driven.sweep
            end = drive_until_end(
                driven,
                decisions,
                self._slots,
                pause=lambda: decisions.wait(STEP_SECONDS),
                wait=decisions.wait,
                say=self._say,
            )
        if decisions.reason is not None:
            return SubmissionState.QUEUED, f"stopped: {decisions.reason}"
        failed = "failed" if end.failures or end.blocked else "done"
        return SubmissionState.ENDED, end.ended or failed

    def _say(self, text: str) -> None:
        self._say_to(f"{self.record.sweep}: {text}")
