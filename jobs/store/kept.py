"""A store for a process that reads the same rows again and again: each is read once, until an event reports a change.

Every change of the store leaves an event in its own transaction (`jobs.store.event_log`), so that a look at the newest
events, a small query, tells whether rows that were read before are still those of the database. Whoever changes rows
past the store leaves none; therefore everything is read anew after `MOST_SECONDS`.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, Self, TypeVar

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.state import EventKind
from jobs.store import Store
from jobs.store.access.tokens import is_good
from jobs.store.results.events import PAGE
from jobs.store.rows import EntryRecord, EventRecord, SweepRecord, TokenRecord

MOST_SECONDS = 20.0
"""For how long rows are believed."""
WORK = frozenset({
    EventKind.JOB_REQUESTED, EventKind.JOB_CLAIMED, EventKind.JOB_FAILED, EventKind.JOB_LOST, EventKind.JOB_CANCELLED,
    EventKind.ATTEMPT_STARTED, EventKind.TRIAL_DRAWN, EventKind.TRIAL_REPORTED, EventKind.DRIVER_STARTED,
    EventKind.DRIVER_LEFT, EventKind.SCHEDULER_STARTED, EventKind.SCHEDULER_LEFT, EventKind.NODE_QUARANTINED,
    EventKind.NODE_RETURNED, EventKind.BUDGET_REFUSED,
})  # fmt: skip
"""What happens all the time while sweeps run, and changes nothing that decides a leaderboard."""
TOKENS = frozenset({EventKind.TOKEN_CREATED, EventKind.TOKEN_REVOKED})
REMAKING = frozenset({EventKind.JOB_REQUEUED, EventKind.CONTENT_LOST})
"""What begins when something that is evidence of an entry has to be made again; it ends when the job is done."""
RECORDS = ""
"""What public records are kept as: no sweep has this name."""
MOST_NAMED = 500
"""Names in one query; databases limit them."""
MOST_TOKENS = 10_000
Rows = TypeVar("Rows")
_BEGUN: ContextVar[float | None] = ContextVar("begun", default=None)
"""When what is being done began, by the monotonic clock (`KeptStore.as_of_now`)."""


class KeptStore(Store):
    """A store that keeps entries, definitions of sweeps, and records; callers share them and must not change them."""

    @classmethod
    def of(cls, store: Store) -> Self:
        """The same database, for a process that reads it for long."""
        if isinstance(store, cls):
            return store
        other = object.__new__(cls)
        other.__dict__.update(store.__dict__)
        other._news = _News()
        other._entries = _KeptRows(other._read_entries)
        other._specs = _KeptRows(other._read_specs)
        other._records = _KeptRows(other._read_records)
        other._tokens = {}
        return other

    _news: "_News"
    _entries: "_KeptRows[list[EntryRecord]]"
    _specs: "_KeptRows[Mapping[str, Any]]"
    _records: "_KeptRows[list[dict[str, Any]]]"
    _tokens: dict[bytes, tuple[TokenRecord, float]]
    """Digest of a good token's text → the token, and until when it is believed, by the monotonic clock."""

    @contextmanager
    def as_of_now(self) -> Iterator[None]:
        """Within it, what was true when it began is new enough, unless this process wrote since: one look will do."""
        token = _BEGUN.set(time.monotonic())
        try:
            yield
        finally:
            _BEGUN.reset(token)

    def changes(self) -> int:
        """A number that has risen since the last call if something has changed that decides a leaderboard."""
        with self._news.look(self._read_events) as events:
            for event in events:
                if event.kind in TOKENS:
                    self._tokens.clear()
                elif event.sweep is None:
                    self._records.forget(RECORDS)
                else:
                    self._entries.forget(event.sweep)
                    self._specs.forget(event.sweep)
        return self._news.changes

    def find_token(self, text: str) -> TokenRecord | None:
        """As `Store.find_token`; a good token is looked up again when any is made or revoked, and now and then."""
        self.changes()
        digest, now = hashlib.sha256(text.encode("utf-8", "replace")).digest(), time.monotonic()
        known, until = self._tokens.get(digest, (None, 0.0))
        if known is not None and now < until and is_good(known, self._clock()):
            return known
        found = super().find_token(text)
        if found is not None and len(self._tokens) < MOST_TOKENS:
            self._tokens[digest] = found, now + MOST_SECONDS
        return found

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with super()._write() as connection:
            yield connection
        self._news.note_write()

    def entries(self, sweep: str | None = None) -> list[EntryRecord]:
        """As `Store.entries`."""
        self.changes()
        names = self._names() if sweep is None else [sweep]
        kept = self._entries.get(names)
        return [entry for name in names for entry in kept[name]]

    def records(self) -> list[dict[str, Any]]:
        """As `Store.records`."""
        self.changes()
        return list(self._records.get([RECORDS])[RECORDS])

    def _sweeps(self, *conditions: Any) -> list[SweepRecord]:
        """Sweeps: their definitions, which are large, are kept; how they stand is read at each call."""
        self.changes()
        table = tables.sweeps
        columns = [column for column in table.columns if column is not table.c.spec]
        query = select(*columns).where(*conditions).order_by(table.c.created)
        with self._read() as connection:
            heads = [dict(row) for row in connection.execute(query).mappings()]
        specs = self._specs.get([head["name"] for head in heads])
        return [SweepRecord(**head | {"spec": specs[head["name"]], "tags": tuple(head["tags"])}) for head in heads]

    def _read_events(self, after: int | None) -> tuple[int, list[EventRecord]]:
        """Number of the last event, and those beyond a cursor; none without one."""
        if after is None:
            return super().last_event(), []
        events = super().events(after=after)
        return (events[-1].id if events else after), events

    def _names(self) -> list[str]:
        """All sweeps, as `entries` orders them."""
        table = tables.sweeps
        with self._read() as connection:
            return list(connection.execute(select(table.c.name).order_by(table.c.created, table.c.name)).scalars())

    def _read_entries(self, sweeps: Collection[str]) -> dict[str, list[EntryRecord]]:
        read: dict[str, list[EntryRecord]] = {name: [] for name in sweeps}
        for entry in super().entries(next(iter(sweeps)) if len(sweeps) == 1 else None):
            if entry.sweep in read:
                read[entry.sweep].append(entry)
        return read

    def _read_specs(self, sweeps: Collection[str]) -> dict[str, Mapping[str, Any]]:
        table = tables.sweeps
        query = select(table.c.name, table.c.spec)
        if len(sweeps) < MOST_NAMED:
            query = query.where(table.c.name.in_(list(sweeps)))
        with self._read() as connection:
            return {name: spec for name, spec in connection.execute(query)}

    def _read_records(self, _: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        return {RECORDS: super().records()}


class _News:
    """Events since the last look: all threads of a process share one."""

    def __init__(self) -> None:
        self.changes = 0
        self._lock = threading.Lock()
        self._looked = float("-inf")
        """When the last look began."""
        self._wrote = float("-inf")
        """When this process last wrote."""
        self._seen: int | None = None
        """Number of the last event that was seen; None before the first look."""
        self._remade: set[str] = set()
        """Keys of jobs that were done and had to run once more, as far as is known."""

    def note_write(self) -> None:
        """This process has written; looks that began before do not show it."""
        self._wrote = time.monotonic()

    @contextmanager
    def look(self, read: Callable[[int | None], tuple[int, list[EventRecord]]]) -> Iterator[list[EventRecord]]:
        """Events of changes that nobody has handled yet; others wait until they are."""
        called = max(_BEGUN.get() or time.monotonic(), self._wrote)
        if self._looked > called:
            yield []
            return
        with self._lock:
            if self._looked > called:  # somebody looked while this call waited
                yield []
                return
            began, seen, events, is_more = time.monotonic(), self._seen, list[EventRecord](), True
            while is_more:
                seen, page = read(seen)
                is_more = len(page) == PAGE
                events += filter(self._concerns, page)
            self._seen = seen
            self.changes += sum(event.kind not in TOKENS for event in events)
            yield events
            self._looked = began

    def _concerns(self, event: EventRecord) -> bool:
        """Whether an event reports a change of what decides a leaderboard."""
        if event.kind in REMAKING:
            self._remade |= {event.key} if event.key else {*event.detail.get("makers", ())}
        if event.kind == EventKind.JOB_DONE:  # an entry is written after its jobs are done, with an event of its own
            return event.key in self._remade
        return event.kind not in WORK


class _KeptRows(Generic[Rows]):
    """Rows of one kind by the name of what they belong to, as they were last read."""

    def __init__(self, read: Callable[[Collection[str]], Mapping[str, Rows]]) -> None:
        self._read = read
        self._reading, self._marking = threading.Lock(), threading.Lock()
        self._rows: dict[str, Rows] = {}
        self._good: set[str] = set()
        """Names whose rows have not changed since they were read."""
        self._since = time.monotonic()

    def forget(self, name: str) -> None:
        """These have changed."""
        with self._marking:
            self._good.discard(name)

    def get(self, names: Collection[str]) -> dict[str, Rows]:
        """Those of some names; rows that came out the same as before are the same objects."""
        with self._reading:
            with self._marking:
                if time.monotonic() - self._since > MOST_SECONDS:
                    self._since = time.monotonic()
                    self._rows = {name: rows for name, rows in self._rows.items() if name in self._good}
                    self._good.clear()
                missing = {name for name in names if name not in self._good}
                self._good |= missing  # from here on: what changes while it is being read is read once more
            try:
                for name, rows in self._read(missing).items() if missing else ():
                    if self._rows.get(name) != rows:
                        self._rows[name] = rows
            except BaseException:
                for name in missing:
                    self.forget(name)
                raise
            return {name: self._rows[name] for name in names}
