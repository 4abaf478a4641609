"""Tokens: good from when they are made until they expire or are revoked, and readable from no database."""

import pytest
from sqlalchemy import select

from golf.errors import InputError
from jobs.database import tables
from jobs.state import EventKind, Scope
from jobs.store import Store
from tests.jobs.stores import Clock

DAY = 86400.0


def test_a_new_token_is_found_by_its_text_alone(store: Store) -> None:
    made = store.create_token(Scope.SUBMIT, "anna", days=1)
    found = store.find_token(made.text)
    assert found is not None and (found.id, found.owner, found.scope) == (made.record.id, "anna", "submit")


@pytest.mark.parametrize("change", [
    lambda text: text[:-1], lambda text: text + "x", lambda text: text.upper(), lambda text: text.partition("_")[2],
    lambda text: "", lambda text: "_", lambda text: "gs__", lambda text: text.rpartition("_")[0] + "_",
    lambda text: "gs_00000000_" + text.split("_", 2)[2], lambda text: text + "\0", lambda text: "gs_%_x",
])  # fmt: skip
def test_any_other_text_is_none(store: Store, change: object) -> None:
    text = store.create_token(Scope.ADMIN, "anna", days=None).text
    assert store.find_token(change(text)) is None  # type: ignore[operator]


def test_it_expires(store: Store, clock: Clock) -> None:
    text = store.create_token(Scope.READ, "anna", days=2).text
    clock.now += 2 * DAY - 1
    assert store.find_token(text) is not None
    clock.now += 1
    assert store.find_token(text) is None


def test_one_without_an_end_does_not(store: Store, clock: Clock) -> None:
    text = store.create_token(Scope.READ, "anna", days=None).text
    clock.now += 10_000 * DAY
    assert store.find_token(text) is not None


def test_a_revoked_one_is_good_no_more(store: Store, clock: Clock) -> None:
    ours, theirs = (store.create_token(Scope.READ, name, days=None) for name in ("anna", "ben"))
    revoked = store.revoke_token(ours.record.id[:6])
    assert revoked.revoked == clock.now
    assert store.find_token(ours.text) is None
    assert store.find_token(theirs.text) is not None
    clock.now += 5
    assert store.revoke_token(ours.record.id).revoked == revoked.revoked


@pytest.mark.parametrize("name", ["", "zz", "%", "_"])
def test_what_names_no_token_revokes_none(store: Store, name: str) -> None:
    made = store.create_token(Scope.READ, "anna", days=None)
    with pytest.raises(InputError, match="golfsweep token list"):
        store.revoke_token(name)
    assert store.find_token(made.text) is not None


def test_its_secret_is_nowhere_in_the_database(store: Store) -> None:
    made = store.create_token(Scope.READ, "anna", days=None)
    secret = made.text.split("_", 2)[2]
    with store._read() as connection:
        rows = [str(connection.execute(select(table)).all()) for table in tables.metadata.sorted_tables]
    assert not any(secret in text for text in rows)


def test_its_last_use_is_known_to_the_minute(store: Store, clock: Clock) -> None:
    text = store.create_token(Scope.READ, "anna", days=None).text
    uses = []
    for seconds in (0, 30, 31, 10):
        clock.now += seconds
        store.find_token(text)
        uses.append(store.tokens()[0].used)
    start = uses[0]
    assert start is not None and uses == [start, start, start + 61, start + 61]


def test_making_and_revoking_are_events(store: Store) -> None:
    after = store.last_event()
    made = store.create_token(Scope.READ, "anna", days=None)
    store.revoke_token(made.record.id)
    events = store.events(after)
    assert [event.kind for event in events] == [EventKind.TOKEN_CREATED, EventKind.TOKEN_REVOKED]
    assert events[0].detail == {"token": made.record.id, "scope": "read", "owner": "anna"}


def test_scopes_include_those_before_them() -> None:
    includes = {(a.value, b.value) for a in Scope for b in Scope if a.includes(b)}
    assert includes == {
        ("read", "read"), ("submit", "read"), ("submit", "submit"), ("admin", "read"), ("admin", "submit"),
        ("admin", "admin"),
    }  # fmt: skip
