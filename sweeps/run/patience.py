"""Waiting for a database or file store that is unavailable: for a limited time, and with a line that says so."""

import time
from collections.abc import Callable

from jobs.errors import StoreUnavailable

AWAY_SECONDS = 600.0
"""How long a database or file store may be unavailable before the sweep stops; running jobs go on meanwhile."""
PAUSE_SECONDS = 1.0


class Patience:
    """The outages of one loop, one after another."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """`say` gets a line at the beginning of each outage."""
        self._say = say
        self._since: float | None = None

    def wait(self, error: StoreUnavailable, pause: Callable[[float], None]) -> None:
        """Pause before the next try.

        Raises:
            StoreUnavailable: the outage has lasted for AWAY_SECONDS.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
            limit = f"{AWAY_SECONDS / 60:.0f} minutes"
            self._say(f"{error}; retried for {limit}, while running jobs go on. Ctrl-C stops.")
        if now - self._since > AWAY_SECONDS:
            raise error
        pause(PAUSE_SECONDS)

    def end(self) -> None:
        """The store has answered."""
        self._since = None
