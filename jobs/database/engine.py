"""The store's database: opening SQLite or PostgreSQL, migrating its tables, and mapping its errors to ours."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError

from golf.errors import InputError
from jobs.database.json_values import read_json
from jobs.database.outages import DatabaseOutage, outage_of
from jobs.database.tables import make_tables
from jobs.errors import NO_SPACE, StoreUnavailable
from jobs.secrets import hide_password, hide_passwords

HEAD = "0012"
"""The version of the tables that this code reads and writes."""
BUSY_SECONDS = 30.0
LEAST_SQLITE = (3, 35, 0)
"""The first version that has UPDATE … RETURNING."""
BUSY_POLL_SECONDS = 0.01
PRESENT = "mode=rw"
"""How SQLite connects to a file that must be there (sqlite.org/uri)."""
LIVENESS = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
"""How soon a server that vanished without closing its connections counts as unavailable: sooner than a heartbeat is
stale (libpq's parameters, in seconds and, the last, milliseconds). What a URL says of them takes precedence."""


def open_engine(url: str | URL) -> Engine:
    """Connect to a database, making or migrating its tables if need be.

    Raises:
        InputError: it cannot be opened, is another program's, or of a later version.
        StoreUnavailable: its server does not answer, or another process locks its file; call again later.
    """
    url, name = checked(url), shown(url)
    if make_url(url).get_backend_name() == "sqlite" and sqlite3.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        raise InputError(
            f"database {name}: this Python's SQLite is {sqlite3.sqlite_version}; expected {least} or later, or a "
            f"postgresql:// URL"
        )
    try:
        engine = _engine(url)
        with engine.connect() as connection:
            names = inspect(connection).get_table_names()
            version = read_version(connection) if "alembic_version" in names else None
        if version != HEAD:
            _migrate(engine, name, version, names)
        _make_no_other_file(engine)
    except (DBAPIError, OSError) as error:
        reason = _first_line(error)
        outage = outage_of(error) if isinstance(error, DBAPIError) else None
        if outage == DatabaseOutage.FULL:
            raise StoreUnavailable(errno.ENOSPC, os.strerror(errno.ENOSPC), name) from None
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise StoreUnavailable(error.errno, error.strerror, name) from None
        if outage == DatabaseOutage.AWAY:
            raise StoreUnavailable(f"database {name} unavailable: {reason}") from None
        raise InputError(f"database {name}: cannot be opened ({reason}); expected a writable path or a URL") from None
    return engine


@contextmanager
def translate_errors() -> Iterator[None]:
    """Map the library's errors once.

    Those after which the same call may succeed later become StoreUnavailable, and values that no database of this kind
    can hold InputError.
    """
    try:
        yield
    except DBAPIError as error:
        reason = hide_passwords(" ".join(str(error.orig).split())) or "no answer"
        match outage_of(error):
            case DatabaseOutage.FULL:
                raise StoreUnavailable(errno.ENOSPC, os.strerror(errno.ENOSPC), "database") from error
            case DatabaseOutage.AWAY | DatabaseOutage.CLOSED:
                raise StoreUnavailable(f"database unavailable: {reason}") from error
            case DatabaseOutage.DAMAGED:
                raise InputError(f"database damaged: {reason}; restore it from a backup") from error
        if isinstance(error, DataError):  # such as NUL in a text, or a number out of range
            raise InputError(f"the database cannot take a value: {reason}") from error
        raise


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return hide_passwords(str(cause).strip().splitlines()[0]) if str(cause).strip() else type(cause).__name__


def hold(connection: Connection, what: str) -> None:
    """Wait for all other transactions that hold the same, and keep them waiting until this one ends.

    On SQLite, a transaction that writes has the whole database to itself anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"golfsweep {what}"))))


def shown(url: str | URL) -> str:
    """A URL as it may be shown: without its password.

    Raises:
        InputError: it is no database URL.
    """
    try:
        parsed = make_url(url)
        if "@" in (parsed.host or ""):  # the rest of a password, which the server's driver would show
            raise ValueError
        return hide_password(parsed.render_as_string(hide_password=True))
    except (ArgumentError, ValueError):  # their messages quote parts of a password that is not percent-encoded
        raise InputError(
            "--db: not a database URL; expected e.g. sqlite:///path/to/file.db or postgresql://…, with the password's "
            "special characters percent-encoded"
        ) from None


def checked(url: str | URL) -> str | URL:
    """A database URL that two processes can open, under the name that SQLAlchemy knows.

    Raises:
        InputError: it names a database in memory, which ends with the command.
    """
    shown(url)
    if isinstance(url, str) and url.startswith("postgres://"):
        return url.replace("postgres://", "postgresql://", 1)
    parsed = make_url(url)
    name = parsed.database or ""
    if parsed.get_backend_name() == "sqlite" and (name in ("", ":memory:") or parsed.query.get("mode") == "memory"):
        raise InputError(f"--db {url}: a database in memory would be gone at once; expected sqlite:///path/to/file.db")
    return url


def _engine(url: str | URL) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
        parsed = parsed.set(drivername="postgresql+psycopg", query={**LIVENESS, **parsed.query})
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite", json_deserializer=read_json)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as error:
        raise InputError(
            f"--db: no driver for {parsed.drivername} ({hide_passwords(str(error))}); install golfsweep[postgresql]"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _make_no_other_file(engine: Engine) -> None:
    """From now on connect to SQLite's file only as long as it is there.

    SQLite makes a missing file, and whoever connects anew after the file was moved away, or its disk was unmounted,
    would find an empty database instead of an outage.
    """
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path.startswith(("file:", ":memory:")):
        return

    def connect(_: Any, __: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[:] = [f"file:{quote(os.path.abspath(path))}?{PRESENT}"]
        options["uri"] = True

    event.listen(engine, "do_connect", connect)


def _on_sqlite_connect(connection: Any, _: Any) -> None:
    """Leave transactions to SQLAlchemy (its documented recipe), wait for locks, let readers read beside a writer."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn write-ahead logging on; the file remembers it.

    When several connections do so to a new file at once, SQLite refuses all but one immediately, whatever their
    busy_timeout: each has a read lock that it would have to give up (sqlite3BtreeSetVersion in SQLite's btree.c).
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
    """Take the write lock at once: a transaction that reads first could not become a writer beside another one."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def read_version(connection: Connection) -> str | None:
    """The version of the tables."""
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _migrate(engine: Engine, shown: str, version: str | None, names: Sequence[str]) -> None:
    """Bring the tables to HEAD; those of an empty database are made as they are now, without its history.

    Raises:
        InputError: the database is not ours, or is newer than this code.
    """
    if version is None and names:
        raise InputError(
            f"database {shown}: holds tables of something else ({names[0]}); name another file or database"
        )
    if version is not None and version > HEAD:
        raise InputError(f"database {shown}: of version {version}, this golfsweep has {HEAD}; upgrade golfsweep")
    with engine.begin() as connection:
        hold(connection, "tables")  # two processes may open a new database at once: the second finds it ready
        if not _has_version(connection):
            make_tables(connection, HEAD)
        elif read_version(connection) != HEAD:
            _run_migrations(connection)


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _has_version(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")
