"""A driver's view of its jobs: always what the store has, at the price of what has changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from jobs.store import Store
from jobs.store.work.losses import MOST_DONE
from sweeps.driver import watching
from sweeps.driver.watching import Watching
from tests.jobs.stores import DONE, FACTS, done, order


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    for sweep in ("s", "other"):
        opened.put_sweep(sweep, {})
    opened.beat("a")
    yield opened
    opened.close()


def test_it_shows_what_a_whole_reading_would_whatever_happens(store: Store) -> None:
    watched = Watching(store, "s")

    def same() -> None:
        assert list(watched.jobs().values()) == store.jobs(sweep="s")

    same()
    for seed in range(4):
        store.put_job(order(seed))
    same()
    shared = store.put_job(order(9, sweep="other"))
    same()
    store.put_job(order(5))
    store.put_job(order(9))
    same()
    keys = [job.key for job in store.claim("a", 9)]
    assert shared.key in keys
    for key in keys[:3]:
        store.start_attempt(key, "a", **FACTS)
    same()
    store.progress(keys[0], 1, 0.5, "half")
    same()
    store.fail(keys[0], 1, "crash", counted=True, final=False)
    store.finish(keys[1], 1, {"weights": "w" * 64}, sizes={"w" * 64: 1}, **DONE)
    store.finish(keys[2], 1, {}, **DONE)
    same()
    store.lose_content("w" * 64)
    same()
    store.cancel_jobs("s", [keys[3]])
    store.withdraw("s", [keys[4]])
    same()
    store.put_job(order(3))
    same()


def test_jobs_that_lost_their_input_are_gone_until_they_are_requested_again(store: Store) -> None:
    digest = "w" * 64
    done(store, order(1), {"weights": digest})
    reads = replace(order(2), job=replace(order(2).job, inputs={"weights": digest}))
    store.put_job(reads)
    watched = Watching(store, "s")
    assert len(watched.jobs()) == 2
    assert MOST_DONE > 1 and store.lose_content(digest)
    assert [job.order.label for job in watched.jobs().values()] == ["seed 1"]
    store.put_job(reads)
    assert [job.order.label for job in watched.jobs().values()] == ["seed 1", "seed 2"]


def test_many_changes_at_once_are_read_as_a_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_KEYS", 3)
    watched = Watching(store, "s")
    watched.jobs()
    for seed in range(9):
        store.put_job(order(seed))
    assert list(watched.jobs().values()) == store.jobs(sweep="s")


def test_a_look_at_which_nothing_has_changed_reads_no_job(store: Store) -> None:
    for seed in range(20):
        done(store, order(seed), {"nll": 1.0})
    watched = Watching(store, "s")
    assert len(watched.jobs()) == 20
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(store._engine, "before_cursor_execute", note)
    assert len(watched.jobs()) == 20
    assert len(statements) == 1 and "FROM events" in statements[0]
    store.put_job(order(99, sweep="other"))
    statements.clear()
    assert len(watched.jobs()) == 20
    assert not [text for text in statements if "FROM jobs" in text]
