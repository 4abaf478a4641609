"""Entries in the store: written where they changed, removed where they are gone, in the order of their sweeps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.state import EventKind
from jobs.store import EntryRecord, Store
from tests.jobs.stores import Clock

BASE = EntryRecord(sweep="s", name="base", position=0, content={"seeds": (1, 2)}, evidence={"audit": None})
OTHER = replace(BASE, name="other", position=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/entries.db", clock)
    store.put_sweep("s", {"file": {}})
    yield store
    store.close()


def test_entries_come_back_as_plain_json_in_their_order(store: Store, clock: Clock) -> None:
    assert store.put_entries("s", [OTHER, BASE], version=1) == ["other", "base"]
    plain = {"content": {"seeds": [1, 2]}, "updated": clock.now}
    assert store.entries("s") == [replace(BASE, **plain), replace(OTHER, **plain)]
    assert store.entries("another") == []


def test_only_what_changed_is_written_and_what_is_gone_is_removed(store: Store, clock: Clock) -> None:
    store.put_entries("s", [BASE, OTHER], version=1)
    before = clock.now
    clock.now += 5
    assert store.put_entries("s", [BASE, OTHER], version=1) == []
    assert store.put_entries("s", [BASE, replace(OTHER, evidence={"audit": "key"})], version=1) == ["other"]
    assert [entry.updated for entry in store.entries("s")] == [before, before + 5]
    assert store.put_entries("s", [BASE], version=1) == ["other"]
    assert [entry.name for entry in store.entries("s")] == ["base"]


def test_sweeps_keep_their_own_entries_and_the_form_of_each(store: Store, clock: Clock) -> None:
    clock.now += 5
    store.put_sweep("later", {"file": {}})
    assert [sweep.entries_version for sweep in store.sweeps()] == [0, 0]
    store.put_entries("later", [replace(BASE, sweep="later")], version=3, spec={"file": {}, "board": {}})
    store.put_entries("s", [BASE], version=2)
    assert [entry.sweep for entry in store.entries()] == ["s", "later"]
    assert [sweep.entries_version for sweep in store.sweeps()] == [2, 3]
    assert [sweep.spec for sweep in store.sweeps()] == [{"file": {}}, {"file": {}, "board": {}}]


def test_every_change_of_an_entry_is_an_event(store: Store) -> None:
    start = store.last_event()
    store.put_entries("s", [BASE, OTHER], version=1)
    store.put_entries("s", [BASE, OTHER], version=1)
    store.put_entries("s", [replace(BASE, evidence={"audit": "key"})], version=1)
    assert [(event.kind, event.sweep, event.entry) for event in store.events(after=start)] == [
        (EventKind.ENTRY_WRITTEN, "s", "base"), (EventKind.ENTRY_WRITTEN, "s", "other"),
        (EventKind.ENTRY_WRITTEN, "s", "base"), (EventKind.ENTRY_REMOVED, "s", "other"),
    ]  # fmt: skip
