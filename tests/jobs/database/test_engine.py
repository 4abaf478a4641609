"""The database itself: several processes at once, servers that die, files that are full, foreign, old or locked."""

import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.errors import Unavailable
from jobs.state import JobState
from jobs.store import Store, StoreUnavailable
from tests.jobs.stores import DONE, FACTS, Clock, empty_database, order
from tests.postgresql import Server

HANG_SECONDS = 120.0
"""Guards against processes that never end; nothing that is tested takes so long."""


def work(url: str, name: str, errors: Any, together: Any) -> None:
    """Claim, run and finish until nothing is left, from the moment when all have claimed their first three.

    That moment is waited for because SQLite is not fair: whoever polls while another writes without a break may
    come too late for all of them. No time passes on the clock, so nobody's claims lapse however slow the machine is.
    """
    try:
        store = Store.open(url, Clock())
        store.beat(name)
        together.wait(HANG_SECONDS)
        records = store.claim(name, 3)
        together.wait(HANG_SECONDS)
        while records:
            for record in records:
                attempt = store.start_attempt(record.key, name, **FACTS)
                store.progress(record.key, attempt, 0.5, "half")
                store.put_shard(record.key, attempt, 0, "0" * 64, 9)
                store.finish(record.key, attempt, {"by": name}, **DONE)
            records = store.claim(name, 3)
    except BaseException as error:
        errors.put(f"{type(error).__name__}: {error}")
        raise


def end_well(target: Callable[..., None], *arguments: Sequence[Any]) -> None:
    """Run a function in processes, one for each of the arguments, which a queue for errors and a barrier follow."""
    context = multiprocessing.get_context("spawn")
    errors, together = context.Queue(), context.Barrier(len(arguments))
    processes = [context.Process(target=target, args=(*given, errors, together)) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(HANG_SECONDS)
    assert errors.empty(), errors.get()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_processes_that_hammer_one_file_never_find_it_locked_and_do_nothing_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hammer.db"
    store = Store.open(url)
    store.put_sweep("s", {})
    for seed in range(200):
        store.put_job(order(seed))
    end_well(work, *((url, f"w{number}") for number in range(4)))
    assert {job.state for job in store.jobs()} == {JobState.DONE}
    assert {len(store.attempts(job.key)) for job in store.jobs()} == {1}
    assert {job.outputs["by"] for job in store.jobs() if job.outputs} == {"w0", "w1", "w2", "w3"}


def test_a_server_that_dies_is_away_and_what_it_had_is_there_when_it_comes_back(postgresql: Server) -> None:
    store = Store.open(empty_database(postgresql))
    store.put_sweep("s", {})
    postgresql.kill()
    try:
        for _ in range(2):  # the first finds a connection broken, the second can make none
            with pytest.raises(StoreUnavailable):
                store.put_job(order(1))
    finally:
        postgresql.start()
    assert store.put_job(order(1)).state == JobState.QUEUED
    store.close()


def test_a_file_that_somebody_holds_for_too_long_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.database.engine.BUSY_SECONDS", 0.05)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.put_sweep("s", {})
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        store.put_job(order(1))
    other.execute("ROLLBACK")
    other.close()
    assert store.put_job(order(1)).state == JobState.QUEUED
    store.close()


def test_a_file_without_room_is_away_and_says_that_it_is_full(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # of this connection, which the pool hands out again
    with pytest.raises(StoreUnavailable) as full:
        store.put_sweep("s", {"text": "x" * 10**6})
    assert full.value.errno == 28
    store.close()


def open_once(url: str, errors: Any, together: Any) -> None:
    try:
        together.wait(HANG_SECONDS)
        store = Store.open(url)
        store.put_sweep("s", {})
        store.put_job(order(1))
        store.close()
    except BaseException as error:
        errors.put(f"{type(error).__name__}: {error}")
        raise


def test_processes_that_open_a_new_database_at_once_make_it_once(url: str) -> None:
    end_well(open_once, *[(url,)] * 4)
    store = Store.open(url)
    assert len(store.jobs()) == 1
    store.close()


def test_a_new_file_that_is_just_being_made_by_another_process_is_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turning write-ahead logging on is refused at once, without any wait, while another connection writes."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []
    here, sleep = threading.get_ident(), time.sleep

    def pause(seconds: float) -> None:
        if threading.get_ident() != here:  # what other tests left running sleeps as ever
            return sleep(seconds)
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr("jobs.database.engine.time.sleep", pause)
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    other.close()
    assert len(waits) == 3


def test_what_is_no_store_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a database URL"):
        Store.open("nonsense")
    (tmp_path / "text.db").write_text("no database at all" * 99)
    with pytest.raises(InputError, match=r"text\.db: cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(InputError, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}")
    connection = sqlite3.connect(tmp_path / "foreign.db")
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(InputError, match=r"holds tables of something else \(other\)"):
        Store.open(f"sqlite:///{tmp_path}/foreign.db")


def test_a_server_that_cannot_be_reached_may_answer_later_and_one_that_refuses_is_bad_input(
    postgresql: Server, tmp_path: Path
) -> None:
    for url in (f"postgresql://golfsweep@/postgres?host={tmp_path}", "postgresql://golfsweep@127.0.0.1:1/postgres"):
        with pytest.raises(Unavailable, match=r"postgresql://golfsweep.* unavailable: "):
            Store.open(url)
    for url in (postgresql.url.replace("/postgres?", "/missing?"), postgresql.url.replace("golfsweep@", "nobody@")):
        with pytest.raises(InputError, match=r"cannot be opened \(.*does not exist"):
            Store.open(url)
    with pytest.raises(InputError, match="not a database URL"):
        Store.open("postgresql//golfsweep@x")


def test_a_file_that_another_process_locks_may_be_opened_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.database.engine.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"new\.db unavailable: database is locked"):
        Store.open(f"sqlite:///{tmp_path}/new.db")
    other.close()


def test_an_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(InputError, match=r"expected 3\.35\.0 or later, or a postgresql:// URL"):
        Store.open(f"sqlite:///{tmp_path}/store.db")


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/later.db"
    Store.open(url).close()
    connection = sqlite3.connect(tmp_path / "later.db")
    connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="upgrade golfsweep"):
        Store.open(url)
