"""What an error of a database means: real errors of real databases, for each row of the tables that can be caused."""

import errno
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from golf.errors import InputError
from jobs.database.engine import translate_errors
from jobs.database.outages import POSTGRESQL, SQLITE, DatabaseOutage, outage_of
from jobs.state import JobState
from jobs.store import JobRecord, Store, StoreUnavailable
from tests.jobs.stores import empty_database, order
from tests.postgresql import Server

PAGE_BYTES = 4096
Disturbance = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store, in a folder whose name an URL has to quote."""
    folder = tmp_path / "it's 100 % ours?"
    folder.mkdir()
    return folder / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store.open(sqlalchemy.URL.create("sqlite", database=str(path)))
    opened.put_sweep("s", {})
    opened._engine.dispose()
    yield opened
    opened.close()


# SQLite


@contextmanager
def locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("jobs.database.engine.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a disk that is mounted read-only; permissions would not keep root from writing."""
    monkeypatch.setattr("jobs.database.engine.PRESENT", "mode=ro")
    yield


@contextmanager
def moved(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path.rename(path.with_suffix(".away"))
    yield
    assert not path.exists(), "no empty database was made in its place"
    path.with_suffix(".away").rename(path)


@contextmanager
def unmounted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    away = path.parent.with_name("away")
    path.parent.rename(away)
    yield
    away.rename(path.parent)


@contextmanager
def failing_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Writing beyond the limit of a file's size fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("disturbed", [locked, read_only, moved, unmounted, failing_disk], ids=lambda how: how.__name__)
def test_a_file_that_cannot_be_used_for_a_while_is_unavailable_and_then_as_it_was(
    path: Path, store: Store, disturbed: Disturbance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, disturbed(path, patch):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"^database unavailable: "):
                store.put_job(order(1))
    assert store.put_job(order(1)).state == JobState.QUEUED
    assert [sweep.name for sweep in store.sweeps()] == ["s"]


@pytest.mark.parametrize("kept", [0, 2 * PAGE_BYTES], ids=["header", "pages"])
def test_a_damaged_file_is_named_so_and_not_waited_for(path: Path, store: Store, kept: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:kept] + b"\x55" * (len(content) - kept))
    with pytest.raises(InputError, match=r"^database damaged: .*; restore it from a backup$"):
        store.put_job(order(1))


def test_an_error_of_the_call_itself_is_no_outage(store: Store) -> None:
    with pytest.raises(DBAPIError), translate_errors(), store._engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM missing")


@pytest.mark.parametrize("code", SQLITE, ids=lambda code: f"code {code}")
def test_extended_codes_of_sqlite_mean_what_their_primary_code_does(code: int) -> None:
    original = sqlite3.OperationalError("x")
    original.sqlite_errorcode = code | 7 << 8  # type: ignore[misc]
    assert outage_of(DBAPIError("", {}, original)) == SQLITE[code]
    original.sqlite_errorcode = sqlite3.SQLITE_ERROR  # type: ignore[misc]
    assert outage_of(DBAPIError("", {}, original)) is None


# PostgreSQL


@pytest.fixture
def shared(postgresql: Server) -> Iterator[Store]:
    opened = Store.open(empty_database(postgresql))
    opened.put_sweep("s", {})
    yield opened
    opened.close()


@pytest.mark.parametrize("state", [code if len(code) == 5 else f"{code}001" for code in POSTGRESQL])
def test_every_sqlstate_of_the_table_as_the_server_sends_it(shared: Store, state: str) -> None:
    expected = POSTGRESQL.get(state, POSTGRESQL.get(state[:2]))
    with (
        pytest.raises((StoreUnavailable, InputError)) as raised,
        translate_errors(),
        shared._engine.begin() as connection,
    ):
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END $$")
    if expected == DatabaseOutage.DAMAGED:
        assert str(raised.value).startswith("database damaged: made up")
    elif expected == DatabaseOutage.FULL:
        assert isinstance(raised.value, StoreUnavailable) and raised.value.errno == errno.ENOSPC
    else:
        assert isinstance(raised.value, StoreUnavailable) and "database unavailable: made up" in str(raised.value)
    assert shared.put_job(order(1)).state == JobState.QUEUED


def test_a_server_that_turns_read_only_is_away_and_then_as_it_was(postgresql: Server, shared: Store) -> None:
    with set_read_only(postgresql):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"cannot execute .* in a read-only transaction"):
                shared.put_job(order(1))
    assert shared.put_job(order(1)).state == JobState.QUEUED


@contextmanager
def set_read_only(server: Server) -> Iterator[None]:
    """As a standby after a failover: for all sessions, those that are open included."""

    def alter(command: str) -> None:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(command)
            connection.execute("SELECT pg_reload_conf()")

    def wait_until(setting: str) -> None:
        """The server reads its configuration a moment later, and tells its sessions before it lets a new one in."""
        while True:
            with psycopg.connect(server.url) as connection:
                row = connection.execute("SHOW default_transaction_read_only").fetchone()
            if row is not None and row[0] == setting:
                return
            time.sleep(0.01)

    alter("ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        wait_until("on")
        yield
    finally:
        alter("ALTER SYSTEM RESET default_transaction_read_only")
        wait_until("off")


def test_a_session_that_an_administrator_ends_is_away(postgresql: Server, shared: Store) -> None:
    with (
        psycopg.connect(postgresql.url, autocommit=True) as administrator,
        pytest.raises(StoreUnavailable),
        shared._write() as connection,
    ):
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        administrator.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        connection.exec_driver_sql("SELECT 1")
    assert shared.put_job(order(1)).state == JobState.QUEUED


def test_a_server_without_a_free_connection_is_away(postgresql: Server, shared: Store) -> None:
    shared._engine.dispose()
    taken: list[psycopg.Connection] = []
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        while len(taken) < 100:
            taken.append(psycopg.connect(postgresql.url))
    with pytest.raises(StoreUnavailable, match="too many clients"):
        shared.put_job(order(1))
    for connection in taken:
        connection.close()
    assert put_when_free(shared).state == JobState.QUEUED


def put_when_free(store: Store) -> JobRecord:
    """Put a job as soon as the server has noticed that its clients are gone."""
    while True:
        try:
            return store.put_job(order(1))
        except StoreUnavailable:
            time.sleep(0.05)
