"""A heartbeat beside a scheduler's or driver's work: waiting for Ray or a slow disk must not look like death."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

from cluster.scheduling.scheduler import BEAT_SECONDS
from jobs.errors import AlreadyTaken, LostLease, StoreUnavailable

STUCK_SECONDS = 300.0
"""A process whose work has not gone on for so long counts as dead, so that another can take over."""


class Heartbeat:
    """Beats in a thread as long as the work goes on; use as a context."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._alive = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def working(self) -> None:
        """Report that the work goes on."""
        self._alive = time.monotonic()

    def _run(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            if time.monotonic() - self._alive < STUCK_SECONDS:
                try:
                    self._beat()
                except (StoreUnavailable, AlreadyTaken, LostLease):  # the work's own next beat raises it again
                    continue
