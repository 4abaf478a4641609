"""What people decide about a sweep while this process drives it, and driving it until its end or until they stop it."""

import threading
import time
from collections.abc import Callable

from jobs.errors import NO_SPACE, StoreUnavailable
from jobs.machine import stopping
from jobs.store import Store, SubmissionRecord
from jobs.store.submissions import ACTIVE, REPLACED
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.driven_sweep import ClusterSlots, DrivenSweep
from sweeps.run.patience import Patience

LOOK_SECONDS = 1.0
"""Between two looks at what people have decided."""


class Decisions:
    """What was decided about a version of a sweep since it was taken; somebody else looks (`follow`)."""

    def __init__(self, record: SubmissionRecord | None) -> None:
        """`record` is the version as it was taken; None for a sweep whose file is not in the database."""
        self.record = record
        self.priority = None if record is None else record.priority
        self.reason: str | None = None
        """Why the sweep is to stop; None as long as it is not."""
        self._wake = threading.Event()

    def stop(self, reason: str) -> None:
        """Have it stop at its next look."""
        self.reason = self.reason or reason
        self._wake.set()

    def follow(self, latest: SubmissionRecord | None) -> None:
        """Take over what was decided: `latest` is the sweep's latest version as it stands now."""
        if self.record is None:
            return
        if latest is None:
            self.stop("its submission is gone")
        elif latest.ticket != self.record.ticket:
            self.stop(REPLACED.format(latest.version))
        elif latest.state not in ACTIVE:
            self.stop(latest.reason or latest.state)
        else:
            self.priority = latest.priority

    def look(self) -> None:
        """See what was decided, where nobody else does."""

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the sweep is to stop."""
        self._wake.wait(seconds)


class OwnDecisions(Decisions):
    """What was decided about the only sweep that this process drives: it looks itself."""

    def __init__(self, record: SubmissionRecord | None, store: Store) -> None:
        super().__init__(record)
        self._store, self._looked = store, time.monotonic()

    def look(self) -> None:
        """See what was decided in the database; raises where the process is to stop."""
        stopping.raise_if_stopped()
        if self.record is not None and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self.follow(self._store.submission(self.record.sweep))


def drive_until_end(
    driven: DrivenSweep,
    decisions: Decisions,
    slots: Callable[[Sweep], ClusterSlots],
    *,
    pause: Callable[[], None],
    wait: Callable[[float], None],
    say: Callable[[str], None],
) -> Snapshot:
    """Drive a sweep until it is done, or people have ended or stopped it; how it ended.

    Args:
        driven: the sweep.
        decisions: about it; `reason` is set where they are why it stopped.
        slots: how large the cluster is now.
        pause: lets time pass between two looks.
        wait: lets so many seconds pass while the store is unavailable.
        say: called with what a person should know.

    Raises:
        StoreUnavailable: the store was unavailable for too long, or has no room.
        TooWide, LostLease: as `DrivenSweep.look` does.
    """
    outage = Patience(say)
    while True:
        try:
            decisions.look()
            if decisions.reason is not None:
                return driven.stop(decisions.reason)
            if decisions.priority not in (None, driven.priority):
                driven.prioritize(decisions.priority)
            if driven.look(slots):
                assert driven.end is not None
                return driven.end
            pause()
            outage.end()
        except StoreUnavailable as error:
            if error.errno in NO_SPACE:  # nothing more can be kept until somebody makes room
                raise
            outage.wait(error, wait)
