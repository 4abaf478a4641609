"""The store's database: opening SQLite or PostgreSQL, migrating its tables, and mapping its errors to ours."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from golf.errors import InputError
from jobs.errors import StoreUnavailable

HEAD = "0005"
"""The version of the tables that this code reads and writes."""
BUSY_SECONDS = 30.0
LEAST_SQLITE = (3, 35, 0)
"""The first that knows UPDATE … RETURNING."""
BUSY_POLL_SECONDS = 0.01
LIVENESS = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
"""How soon a server that vanished without a word is away, so that nobody waits for longer than a heartbeat may be old
(libpq's parameters, in seconds and, the last, milliseconds); what a URL says of them counts more."""
_AWAY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR)
"""What SQLite says of a file that somebody holds for too long, or whose disk does not answer (sqlite.org/rescode)."""


def open_engine(url: str | URL) -> Engine:
    """Connect to a database, making or migrating its tables if need be.

    Raises:
        InputError: it cannot be opened, is something else's, or of a later version.
    """
    shown = _shown(url)
    if make_url(url).get_backend_name() == "sqlite" and sqlite3.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        raise InputError(
            f"database {shown}: this Python's SQLite is {sqlite3.sqlite_version}; expected {least} or later, or a "
            f"postgresql:// URL"
        )
    try:
        engine = _engine(url)
        with engine.connect() as connection:
            found = inspect(connection).get_table_names()
            version = _version(connection) if "alembic_version" in found else None
        if version != HEAD:
            _migrate(engine, shown, version, found)
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise InputError(f"database {shown}: cannot be opened ({reason}); expected a writable path or a URL") from None
    return engine


@contextmanager
def translate_errors() -> Iterator[None]:
    """Tell what has passed and what has not been written from what is wrong: errors of the library, mapped once."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise StoreUnavailable(errno.ENOSPC, os.strerror(errno.ENOSPC), "database") from error
        server = type(error.orig).__module__.startswith("psycopg")
        if error.connection_invalidated or code in _AWAY or (server and isinstance(error, OperationalError)):
            raise StoreUnavailable(" ".join(str(error.orig).split()) or "no answer") from error
        raise


def hold(connection: Connection, what: str) -> None:
    """Let no other transaction that holds the same go on until this one ends.

    On SQLite, whoever writes has the whole database to himself anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"golfsweep {what}"))))


def _shown(url: str | URL) -> str:
    """A URL as it may be shown: without its password.

    Raises:
        InputError: it is no database URL.
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        raise InputError(
            "--db: not a database URL; expected e.g. sqlite:///path/to/file.db or postgresql://…"
        ) from None


def _engine(url: str | URL) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
        parsed = parsed.set(drivername="postgresql+psycopg", query={**LIVENESS, **parsed.query})
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as error:
        raise InputError(f"--db: no driver for {parsed.drivername} ({error}); install golfsweep[postgresql]") from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _: Any) -> None:
    """Leave transactions to SQLAlchemy (its documented recipe), wait for locks, let readers read beside a writer."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn write-ahead logging on, which stays with the file.

    Of several connections that do so to a new file at once, all but one are told at once that it is locked, whatever
    their busy_timeout: each has a read lock that it would have to give up (sqlite3BtreeSetVersion in SQLite's btree.c).
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(BUSY_POLL_SECONDS)
        else:
            return


def _on_sqlite_begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not be upgraded beside another's write."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(connection: Connection) -> str | None:
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _migrate(engine: Engine, shown: str, version: str | None, found: Sequence[str]) -> None:
    """Bring the tables to HEAD.

    Raises:
        InputError: the database is not ours, or is newer than this code.
    """
    if version is None and found:
        raise InputError(
            f"database {shown}: holds tables of something else ({found[0]}); name another file or database"
        )
    if version is not None and version > HEAD:
        raise InputError(f"database {shown}: of version {version}, this golfsweep knows {HEAD}; upgrade golfsweep")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        hold(connection, "tables")  # two processes may open a new database at once: the second finds it made
        if _has_version(connection) and _version(connection) == HEAD:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _has_version(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")
