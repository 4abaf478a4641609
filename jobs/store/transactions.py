"""What every topic of the store stands on: one database, its clocks, and transactions whose errors are mapped."""

import copy
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, Table, and_, extract, func, select

from jobs.database import tables
from jobs.database.engine import hold, open_engine, translate_errors
from jobs.database.reading import READ_ONLY, open_empty, open_to_read
from jobs.errors import LostLease, StoreUnavailable
from jobs.machine.clock import steady_epoch
from jobs.machine.host import identity, user_name
from jobs.store.event_log import begin_events, write_events
from jobs.store.presence.connectivity import Connectivity

STALE_SECONDS = 30.0
"""A scheduler or driver that has not written a heartbeat for so long has lost what it held."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A heartbeat as this process saw it first."""

    beat: float
    since: float
    """By this process's own clock."""
    has_changed: bool
    """Whether this process saw an earlier one of the same process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActingProcess:
    """The process whose heartbeats and leases are written."""

    host: str
    pid: int


class Transactions:
    """A database and its clocks; open with `open`."""

    def __init__(
        self, engine: Engine, clock: Callable[[], float] | None, ticks: Callable[[], float] | None = None
    ) -> None:
        self._engine, self._clock = engine, clock or time.time
        self._ticks = ticks or clock or time.monotonic
        """Counts every duration; all processes of this machine have the same."""
        self._date = clock or steady_epoch
        """Tells whether a deadline is past."""
        self._connectivity = Connectivity(STALE_SECONDS)
        self._by_server_clock = clock is None and engine.dialect.name == "postgresql"
        """Whether the server tells the time of heartbeats, so that people can compare those of several machines."""
        self._watched: dict[str, Mapping[tuple[str, str | None], Watch]] = {}
        """Heartbeats at the last look: by table, then by process and sweep."""
        self._leases: dict[str, str] = {}
        """Sweeps that this process drives, and under which name."""
        self.user = user_name()
        """Who acts, where no driver or scheduler does."""
        self.process = ActingProcess(host=identity(), pid=os.getpid())

    @classmethod
    def open(
        cls,
        url: str | URL,
        clock: Callable[[], float] | None = None,
        ticks: Callable[[], float] | None = None,
        *,
        reading: bool = False,
    ) -> Self:
        """Open a database, making or migrating its tables if need be; raises what `open_engine` does.

        Args:
            url: of the database.
            clock: epoch seconds, by default this machine's; `jobs.machine.clock` says what they are for.
            ticks: seconds of a clock that nobody sets, by default `clock` if that is given, else the monotonic one.
            reading: nothing is made, and a file that this process may not write to will do.
        """
        return cls(open_to_read(url) if reading else open_engine(url), clock, ticks)

    @classmethod
    def empty(cls) -> Self:
        """A store in memory that holds nothing, and lives as long as this object."""
        return cls(open_empty(), None)

    def acting_as(self, user: str, process: ActingProcess | None = None) -> Self:
        """The same database, and what is known of others' heartbeats, for somebody else to act on through this process.

        Args:
            user: whose changes its events report.
            process: that of a scheduler that reaches the database through this one; by default this one.
        """
        other = copy.copy(self)
        other.user, other.process, other._leases = user, process or self.process, {}
        return other

    @property
    def is_read_only(self) -> bool:
        """Whether this process may not write to the database."""
        return bool(self._engine.get_execution_options().get(READ_ONLY))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._reconnecting(), translate_errors(), self._engine.begin() as connection:
            begin_events(connection)
            yield connection
            write_events(connection)
        self._connectivity.note_answer()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with (
            self._reconnecting(),
            translate_errors(),
            self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            yield connection
        self._connectivity.note_answer()

    @contextmanager
    def _reconnecting(self) -> Iterator[None]:
        """Make new connections after an outage: SQLite's stay read-only, or on a file that was replaced, for good."""
        try:
            yield
        except StoreUnavailable:
            self._engine.dispose()
            raise

    def _common_time(self, connection: Connection) -> float:
        """The time of a heartbeat, for people; nothing expires by it."""
        if not self._by_server_clock:
            return self._clock()
        return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())

    def _actor(self, sweep: str) -> str:
        """Who changes a sweep: its driver if this process is that, else the user."""
        return self._leases.get(sweep, self.user)

    def _check_lease(self, connection: Connection, sweep: str) -> None:
        """Make sure that no other process has taken over a sweep that this one drives, until the transaction ends.

        Raises:
            LostLease: another process has.
        """
        if (driver := self._leases.get(sweep)) is None:
            return
        table = tables.drivers
        query = select(table.c.name, table.c.host, table.c.pid).where(table.c.sweep == sweep)
        row = connection.execute(query.with_for_update(read=True)).first()
        if row is None or row.name != driver:
            raise LostLease(_lost(sweep, row))


def _lost(sweep: str, other: Any) -> str:
    by = "" if other is None else f": process {other.pid} on {other.host} drives it now"
    return (
        f'sweep "{sweep}": this process did not reach the database for more than {STALE_SECONDS:.0f} s and another one '
        f"took over{by}; nothing more is written here"
    )


def write_row(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any], **once: Any
) -> bool:
    """Change the row of a key, or make it; returns whether it was made.

    Args:
        connection: within a transaction.
        table: where.
        key: the row's columns that tell it from others.
        values: its other columns.
        once: columns that are written only when the row is made.
    """
    this_row = and_(*(table.c[name] == value for name, value in key.items()))
    change = table.update().where(this_row)
    if connection.execute(change, values).rowcount:
        return False
    hold(connection, f"new rows of {table.name}")  # another process may be making it at this moment
    if connection.execute(change, values).rowcount:
        return False
    connection.execute(table.insert(), {**key, **values, **once})
    return True
