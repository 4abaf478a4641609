"""Saying what a command waits for: nobody should have to guess whether it works, waits or hangs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from golf.threads import Alarm
from jobs.state import JobState
from sweeps.driver.snapshot import Snapshot

SLOW_SECONDS = 30.0
REMIND_SECONDS = 600.0
HOW_TO_STOP = "Ctrl-C stops, and the same command resumes"


class WaitNotice:
    """What a driver waits for, said when the wait begins and every REMIND_SECONDS while it lasts."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._last: float | None = None
        """When it was said last; None while nothing is waited for."""
        self._idle_since: float | None = None

    def update(self, no_node: str | None, snapshot: Snapshot) -> None:
        """Say what is waited for if it is time.

        Args:
            no_node: what to say where no node is usable; None if one is.
            snapshot: how the sweep stands.
        """
        text = no_node or self._why_idle(snapshot)
        if text is None:
            self._last = None
        elif self._last is None or self._clock() - self._last >= REMIND_SECONDS:
            self._last = self._clock()
            self._say(text)

    def _why_idle(self, snapshot: Snapshot) -> str | None:
        """Why none of a sweep's jobs has run for SLOW_SECONDS; None if one has."""
        queued = [job for job in snapshot.jobs if job.state == JobState.QUEUED]
        if snapshot.running or not queued:
            self._idle_since = None
            return None
        if self._idle_since is None:
            self._idle_since = self._clock()
        if self._clock() - self._idle_since < SLOW_SECONDS:
            return None
        reason = next((job.reason for job in queued if job.reason), "all slots are in use, or about to be")
        return f"No job of this sweep runs: {len(queued)} wait for slots ({reason}). {HOW_TO_STOP}."


@contextmanager
def say_if_slow(say: Callable[[str], None], what: str) -> Iterator[None]:
    """Say what is waited for if the context lasts longer than SLOW_SECONDS; each such wait has a limit of its own."""
    timer = Alarm("slow wait", SLOW_SECONDS, lambda: say(f"{what}. {HOW_TO_STOP}."))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
