"""What every topic of the store stands on: one database, one clock, and transactions whose errors are mapped."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, Table, and_, extract, func, select

from jobs.database.engine import hold, mapped, open_engine
from jobs.store.presence.contact import Contact

STALE_SECONDS = 30.0
"""A scheduler whose last heartbeat is older than this has lost its claims."""


class Transactions:
    """A database and a clock; open with `open`."""

    def __init__(self, engine: Engine, clock: Callable[[], float] | None) -> None:
        self._engine, self._clock = engine, clock or time.time
        self._served = clock is None and engine.dialect.name == "postgresql"
        """Whether the server tells the time that processes have to agree on."""
        self._contact = Contact(STALE_SECONDS)

    @classmethod
    def open(cls, url: str | URL, clock: Callable[[], float] | None = None) -> Self:
        """Open a database, making or migrating its tables if need be; raises what `open_engine` does.

        Without a clock, times are this machine's, and heartbeats of a database server's clients are by its own clock.
        """
        return cls(open_engine(url), clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with mapped(), self._engine.begin() as connection:
            yield connection
        self._contact.hear()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with mapped(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
        self._contact.hear()

    def _common_time(self, connection: Connection) -> float:
        """The time that a heartbeat is written and judged by, whichever machine does."""
        if not self._served:
            return self._clock()
        return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())


def write_row(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any], **once: Any
) -> None:
    """Change the row of a key, or make it.

    Args:
        connection: within a transaction.
        table: where.
        key: the row's columns that tell it from others.
        values: its other columns.
        once: columns that are written only when the row is made.
    """
    mine = and_(*(table.c[name] == value for name, value in key.items()))
    change = table.update().where(mine)
    if not connection.execute(change, values).rowcount:
        hold(connection, f"new rows of {table.name}")  # somebody else may be making it just now
        if not connection.execute(change, values).rowcount:
            connection.execute(table.insert(), {**key, **values, **once})
