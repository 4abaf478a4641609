"""How this process hears the database: silence that it could not have broken is nobody's death.

While a database is away, or all machines of a rack or a laptop sleep, no heartbeat is written, and whoever comes back
first finds every other one stale. So a break in one's own hearing is not held against anybody: those who were alive
before it have as long as ever to be heard again.
"""

import time
from collections.abc import Callable
from math import inf
from threading import Lock

BREAK_SECONDS = 10.0
"""Two heartbeats: whoever schedules or stands by asks the database more often."""


def boot_seconds() -> float:
    """Seconds that pass while the machine sleeps, too, and that nobody can set (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Contact:
    """One process's hearing of a database."""

    def __init__(self, stale_seconds: float, ticks: Callable[[], float] = boot_seconds) -> None:
        """Begin to hear; a heartbeat is stale after `stale_seconds`."""
        self._stale, self._ticks = stale_seconds, ticks
        self._heard = ticks()
        self._lost = self._back = -inf
        self._lock = Lock()  # a scheduler beats in a thread of its own

    def hear(self) -> None:
        """The database has answered."""
        with self._lock:
            self._heard = self._notice()

    def missed(self) -> float:
        """Seconds by which a heartbeat may be older than usual: all since the last break began, until it is over."""
        with self._lock:
            now = self._notice()
            return now - self._lost if now - self._back < self._stale else 0.0

    def _notice(self) -> float:
        """Now; a break that it ends is remembered."""
        now = self._ticks()
        if now - self._heard > BREAK_SECONDS:
            self._lost, self._back = self._heard, now
        return now
