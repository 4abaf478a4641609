"""What every topic of the store stands on: one database, one clock, and transactions whose errors are mapped."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, Table, and_

from jobs.database import hold, mapped, open_engine


class Transactions:
    """A database and a clock; open with `open`."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine, self._clock = engine, clock

    @classmethod
    def open(cls, url: str | URL, clock: Callable[[], float] = time.time) -> Self:
        """Open a database, making or migrating its tables if need be; raises what `open_engine` does."""
        return cls(open_engine(url), clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with mapped(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with mapped(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection


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
