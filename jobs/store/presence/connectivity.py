"""Breaks in this process's connection to the database, which must not be mistaken for the death of others.

While a database is down no heartbeat is written, and the first process that comes back finds every other one stale. So
a process that had a break of its own grants all others extra time: a process that was alive before the break has as
long as usual to write its next heartbeat. The same holds where a machine was paused and its clock went on meanwhile.
"""

import time
from collections.abc import Callable
from math import inf
from threading import Lock

BREAK_SECONDS = 10.0
"""Two heartbeats: schedulers, drivers and those that stand by ask the database more often."""


class Connectivity:
    """When the database has answered this process."""

    def __init__(self, stale_seconds: float, ticks: Callable[[], float] = time.monotonic) -> None:
        """Begin as connected; a heartbeat is stale after `stale_seconds`."""
        self._stale, self._ticks = stale_seconds, ticks
        self._answered = ticks()
        self._lost = self._restored = -inf
        self._lock = Lock()  # heartbeats are written in threads of their own

    def note_answer(self) -> None:
        """The database has answered."""
        with self._lock:
            self._answered = self._note_break()

    def grace_seconds(self) -> float:
        """Seconds by which a heartbeat may be older than usual: all since the last break began, until it is over."""
        with self._lock:
            now = self._note_break()
            return now - self._lost if now - self._restored < self._stale else 0.0

    def _note_break(self) -> float:
        """The time now; a break that ends with it is remembered."""
        now = self._ticks()
        if now - self._answered > BREAK_SECONDS:
            self._lost, self._restored = self._answered, now
        return now
