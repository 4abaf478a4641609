"""A heartbeat beside a scheduler's or driver's work: waiting for Ray or a slow disk must not look like death."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from cluster.scheduling.scheduler import BEAT_SECONDS
from golf.threads import BackgroundThread
from jobs.errors import AlreadyTaken, LostLease, StoreUnavailable

STUCK_SECONDS = 300.0
"""A process whose work has not gone on for so long counts as dead, so that another can take over."""
_log = logging.getLogger(__name__)


class Heartbeat:
    """Beats in a thread as long as the work goes on, whatever a beat raises; use as a context."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        """What the last beat raised; None if it was written. The work then beats itself and handles the error."""
        self._beat = beat
        self._alive = time.monotonic()
        self._end = threading.Event()
        self._thread = BackgroundThread("heartbeat", self._run)

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
                except Exception as error:  # a heartbeat that ends would hand the work to somebody else
                    self._note(error)
                else:
                    self.failure = None

    def _note(self, error: Exception) -> None:
        """Keep a failure for the work; log the first of a kind that the work does not expect."""
        expected = isinstance(error, StoreUnavailable | AlreadyTaken | LostLease)
        if not expected and type(error) is not type(self.failure):
            _log.error("no heartbeat, tried again: %s: %s", type(error).__name__, " ".join(str(error).split()))
        self.failure = error
