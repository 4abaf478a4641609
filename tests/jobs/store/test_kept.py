"""A store that keeps rows returns what the database holds, however it is changed, and reads nothing twice."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from jobs.state import SweepState
from jobs.store import EntryRecord, Store, kept
from jobs.store.kept import KeptStore
from tests.jobs.stores import DONE, FACTS, done, order

BASE = EntryRecord(sweep="s", name="base", position=0, content={"seeds": [1]}, evidence={"audit": None})
OTHER = replace(BASE, name="other", position=1)
DIGEST = "a" * 64


def same(keeping: KeptStore, store: Store) -> bool:
    """Whether both return the same of everything that is kept."""
    names = ("s", "other", "nothing")
    return (
        keeping.entries() == store.entries()
        and all(keeping.entries(name) == store.entries(name) for name in names)
        and keeping.sweeps() == store.sweeps()
        and [keeping.sweep(name) for name in names] == [store.sweep(name) for name in names]
        and keeping.records() == store.records()
    )


def test_it_returns_what_the_store_does_after_every_change(store: Store) -> None:
    keeping = KeptStore.of(store)
    acting = keeping.acting_as("anna")
    assert same(keeping, store)
    for change in (
        lambda: store.put_entries("s", [BASE], version=1),
        lambda: store.put_entries("s", [BASE, OTHER], version=1),
        lambda: store.put_entries("other", [replace(BASE, sweep="other")], version=1),
        lambda: store.put_record("record", {"name": "record", "seeds": {}}),
        lambda: store.put_sweep("third", {"file": {"name": "third"}}),
        lambda: store.put_sweep("s", {"file": {"edited": True}}),
        lambda: store.tag("s", ["good"]),
        lambda: done(store, order(1), {"weights": DIGEST}),
        lambda: store.put_record("record", {"name": "record", "seeds": {"1": 1.0}}),
        lambda: store.put_entries("s", [OTHER], version=1),
        lambda: keeping.put_entries("s", [BASE], version=2),
        lambda: acting.cancel_sweep("other"),
        lambda: store.end_sweep("s", SweepState.DONE),
    ):  # fmt: skip
        change()
        assert same(keeping, store)
        assert same(acting, store)


def test_rows_that_have_not_changed_are_the_same_objects(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = KeptStore.of(store)
    store.put_entries("s", [BASE, OTHER], version=1)
    store.put_entries("other", [replace(BASE, sweep="other")], version=1)
    before = keeping.entries()
    store.put_entries("other", [], version=1)
    store.put_entries("other", [replace(BASE, sweep="other", content={})], version=1)
    after = keeping.entries()
    assert {entry.sweep for entry in before} == {"s", "other"}
    assert [old is new for old, new in zip(before, after, strict=True)] == [entry.sweep == "s" for entry in after]
    monkeypatch.setattr(kept, "MOST_SECONDS", -1.0)  # everything is read again, and is as it was
    assert all(old is new for old, new in zip(after, keeping.entries(), strict=True))


def test_what_somebody_changes_past_the_store_shows_when_the_rows_are_old(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping = KeptStore.of(store)
    store.put_entries("s", [BASE], version=1)
    keeping.entries()
    with store._write() as connection:
        connection.execute(text("UPDATE entries SET position = 7"))
    assert keeping.entries() == [replace(keeping.entries()[0], position=0)]
    monkeypatch.setattr(kept, "MOST_SECONDS", -1.0)
    assert [entry.position for entry in keeping.entries()] == [7]


def test_work_is_no_change_until_something_is_made_again(store: Store) -> None:
    keeping = KeptStore.of(store)
    first = keeping.changes()
    made = done(store, order(1), {"weights": DIGEST})
    store.put_job(order(2))
    assert keeping.changes() == first
    store.put_entries("s", [BASE], version=1)
    written = keeping.changes()
    assert written > first
    store.lose_content(DIGEST)
    lost = keeping.changes()
    assert lost > written
    assert made.key in [job.key for job in store.claim("a", 5)]
    attempt = store.start_attempt(made.key, "a", **FACTS)
    assert keeping.changes() == lost
    store.finish(made.key, attempt, {"weights": DIGEST}, sizes={DIGEST: 1}, **DONE)
    assert keeping.changes() > lost


def test_many_threads_read_while_one_writes(store: Store) -> None:
    keeping, ended, seen = KeptStore.of(store), threading.Event(), list[int]()

    def read() -> None:
        while not ended.is_set():
            positions = [entry.position for entry in keeping.entries("s")]
            seen.append(positions[0] if positions else -1)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for position in range(20):
        store.put_entries("s", [replace(BASE, position=position)], version=1)
        assert [entry.position for entry in keeping.entries("s")] == [position], "what is written is read at once"
    ended.set()
    for thread in threads:
        thread.join()
    assert max(seen) <= 19


def test_one_look_will_do_for_a_request_unless_it_writes_itself(store: Store) -> None:
    keeping = KeptStore.of(store)
    keeping.entries()
    with keeping.as_of_now():
        assert keeping.entries("s") == []
        store.put_entries("s", [BASE], version=1)
        assert keeping.entries("s") == [], "as of the request's beginning"
        keeping.put_entries("s", [BASE, OTHER], version=1)
        assert [entry.name for entry in keeping.entries("s")] == ["base", "other"], "what it wrote itself"
    store.put_entries("s", [OTHER], version=1)
    assert [entry.name for entry in keeping.entries("s")] == ["other"]
