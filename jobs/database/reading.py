"""Opening the store's database to read it: SQLite's file as it is, although its folder may not be written to.

A reader of a file in write-ahead mode needs the index beside it (-shm), and has to be allowed to make one where there
is none. A colleague who may only read cannot. While a process has the file open, log and index are there and can be
read. While none has, they are not, and the file alone is the whole database: it can be read as immutable
(sqlite.org/wal.html, "Read-Only Databases"). Each transaction finds out anew which of the two it is.
"""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, inspect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from golf.errors import InputError
from jobs.database import tables
from jobs.database.engine import BUSY_SECONDS, HEAD, checked, open_engine, read_version, shown
from jobs.database.json_values import read_json

READ_ONLY = "golfsweep_read_only"
"""The execution option of an engine that cannot write."""


def open_to_read(url: str | URL) -> Engine:
    """Connect to a database that is there; where this process may write to it, it is migrated if need be.

    Raises:
        InputError: there is none, it cannot be opened, or it has to be migrated by somebody who may write to it.
        StoreUnavailable: its server does not answer, or another process locks its file; call again later.
    """
    parsed = make_url(checked(url))
    if parsed.get_backend_name() != "sqlite":
        return open_engine(url)
    path = Path(parsed.database or "")
    if not path.exists():
        raise InputError(f"database {shown(url)}: no such file; golfsweep run FILE makes it")
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return open_engine(url)
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path),
        poolclass=NullPool,
        execution_options={READ_ONLY: True},
        json_deserializer=read_json,
    )
    _check_version(engine, shown(url), path)
    return engine


def open_empty() -> Engine:
    """A database in memory with all tables and nothing in them."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    return engine


def _connect(path: Path) -> sqlite3.Connection:
    is_open = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if is_open else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=BUSY_SECONDS)
    connection.isolation_level = None
    return connection


def _check_version(engine: Engine, name: str, path: Path) -> None:
    try:
        with engine.connect() as connection:
            has_version = "alembic_version" in inspect(connection).get_table_names()
            version = read_version(connection) if has_version else None
    except DBAPIError as error:
        raise InputError(f"database {name}: cannot be read ({error.orig}); expected a database of golfsweep") from None
    if version is None:
        raise InputError(f"database {name}: holds no tables of golfsweep; name another file")
    if version > HEAD:
        raise InputError(f"database {name}: of version {version}, this golfsweep has {HEAD}; upgrade golfsweep")
    if version < HEAD:
        raise InputError(
            f"database {name}: of version {version}, must be migrated to {HEAD}, and you may not write to it; let its "
            f"owner run golfsweep status --home {path.parent}"
        )
