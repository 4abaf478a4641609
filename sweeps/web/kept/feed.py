"""The newest events, read once for all streams of a service."""

import asyncio
import threading
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool

from jobs.errors import StoreUnavailable
from jobs.store import EventRecord, Store

LOOK_SECONDS = 0.25
"""Between two looks at the events table."""
ASK_SECONDS = 5.0
"""Between two looks at whether a reader is given more."""
KEPT = 5_000
"""Events in memory; whoever is further behind reads the table."""


@dataclass(frozen=True, slots=True)
class FedEvent:
    """An event, and whom it concerns."""

    id: int
    message: Any
    """What is sent of it."""
    sweeps: frozenset[str | None]
    """Its own sweep, and all that need its job."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The events in memory."""

    start: int
    """Number of the last event before them; every later one is here."""
    events: Sequence[FedEvent] = ()

    @property
    def last(self) -> int:
        """Number of the newest."""
        return self.events[-1].id if self.events else self.start

    def beyond(self, after: int) -> Sequence[FedEvent]:
        """Those beyond a cursor."""
        return self.events[bisect_right(self.events, after, key=lambda event: event.id) :]

    def grow(self, events: Sequence[FedEvent]) -> "_Window":
        """With newer ones, without those that there is no room for."""
        all_events = [*self.events, *events]
        gone = max(0, len(all_events) - KEPT)
        return _Window(all_events[gone - 1].id if gone else self.start, all_events[gone:])


class EventFeed:
    """Events as they happen.

    There is no task of its own: whichever stream finds that the last look was a while ago looks for all of them.
    """

    def __init__(self, store: Store, make_message: Callable[[EventRecord], Any]) -> None:
        """Feed a store's events.

        Args:
            store: whose events they are.
            make_message: what is sent of an event, made once for all streams.
        """
        self._store, self._make_message = store, make_message
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="events")
        """Of its own: the threads of requests may all be waiting for an answer that is being made."""
        self._window: _Window | None = None
        self._reading = threading.Lock()
        self._looked = float("-inf")
        self._is_away = False
        """Whether the database did not answer the last look."""

    async def follow(
        self, sweep: str | None, after: int, goes_on: Callable[[], bool] | None = None
    ) -> AsyncIterator[Any]:
        """Messages of the events beyond a cursor, and None during an outage of the database.

        Args:
            sweep: whose events; None: all.
            after: number of the last event that the reader knows.
            goes_on: whether the reader is given more, asked every few seconds in a thread; by default without an end.
        """
        asked = time.monotonic()
        while True:
            if goes_on is not None and time.monotonic() - asked >= ASK_SECONDS:
                asked = time.monotonic()
                if not await self._ask(goes_on):
                    return
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._looked = time.monotonic()
                await self._look()
            window = self._window
            if self._is_away:
                yield None
            elif window is None:
                pass  # another stream takes the first look
            elif after < window.start:
                try:
                    events = await run_in_threadpool(self._store.events, after, sweep)
                except StoreUnavailable:
                    yield None
                    events = []
                for event in events:
                    yield self._make_message(event)
                after = events[-1].id if events else max(after, window.start)
                if events:
                    continue
            else:
                for fed in window.beyond(after):
                    after = fed.id
                    if sweep is None or sweep in fed.sweeps:
                        yield fed.message
            await asyncio.sleep(LOOK_SECONDS)

    @staticmethod
    async def _ask(goes_on: Callable[[], bool]) -> bool:
        try:
            return await run_in_threadpool(goes_on)
        except StoreUnavailable:
            return True

    async def _look(self) -> None:
        try:
            await asyncio.wrap_future(self._pool.submit(self._read))
            self._is_away = False
        except StoreUnavailable:
            self._is_away = True

    def _read(self) -> None:
        with self._reading:
            window = self._window or _Window(self._store.last_event())
            while events := self._store.events(window.last):
                keys = {event.key for event in events if event.key is not None}
                needing = self._store.sweeps_needing(keys)
                concerned = [frozenset({event.sweep, *needing.get(event.key or "", ())}) for event in events]
                messages = map(self._make_message, events)
                window = window.grow(
                    [FedEvent(event.id, *rest) for event, *rest in zip(events, messages, concerned, strict=True)]
                )
            self._window = window
