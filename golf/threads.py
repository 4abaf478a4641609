"""Threads beside the work: every one is started here, so that none ends by an error unnoticed."""

import contextvars
import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class BackgroundThread:
    """A daemon thread that runs one function. If that raises, the log says so in one line, and `error` keeps it."""

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        """Prepare the thread; its body sees this thread's context variables."""
        self.error: BaseException | None = None
        """What its body raised."""
        self._name, self._body = name, body
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait until it has ended, at most so long."""
        self._thread.join(seconds)

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._body()
        except BaseException as error:
            self.error = error
            _log.error("thread %s ended by %s: %s", self._name, type(error).__name__, " ".join(str(error).split()))


class Alarm:
    """Calls a function once after some seconds, unless it is cancelled before."""

    def __init__(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._cancelled = threading.Event()

        def wait() -> None:
            if not self._cancelled.wait(seconds):
                call()

        self._thread = BackgroundThread(name, wait)

    def start(self) -> None:
        """Let the seconds begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Call nothing any more."""
        self._cancelled.set()
