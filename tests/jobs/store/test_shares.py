"""Share links: opened by their secret alone, until they expire or are revoked."""

from dataclasses import asdict

import pytest

from golf.errors import InputError
from jobs.database import tables
from jobs.state import EventKind
from jobs.store import Store
from jobs.store.access.shares import MOST_DAYS
from tests.jobs.stores import Clock


def test_a_link_opens_what_it_was_made_for_and_the_database_has_its_digest_alone(store: Store) -> None:
    made = store.acting_as("anna").create_share("s", None, 7)
    assert store.find_share(made.text) == made.record and made.record.owner == "anna"
    with store._read() as connection:
        [row] = connection.execute(tables.shares.select()).mappings().all()
    secret = made.text.split("_", 2)[2]
    assert secret not in repr(dict(row)) and len(row["digest"]) == 64
    [event] = [event for event in store.events() if event.kind == EventKind.SHARE_CREATED]
    assert (event.sweep, event.who, secret in repr(asdict(event))) == ("s", "anna", False)
    assert store.shares()[0].used is not None


def test_what_is_no_longer_good_is_like_what_never_was(store: Store, clock: Clock) -> None:
    lapsed, revoked = (store.create_share("s", None, days).text for days in (1, 30))
    wrong = f"{revoked[:-1]}{'a' if revoked[-1] != 'a' else 'b'}"
    assert store.find_share(wrong) is None
    clock.now += 86400
    assert store.find_share(lapsed) is None and store.find_share(revoked) is not None
    assert store.revoke_share(revoked.split("_")[1][:6]).revoked == clock.now
    assert store.revoke_share(revoked.split("_")[1]).revoked == clock.now
    assert store.find_share(revoked) is None
    kinds = [event.kind for event in store.events()]
    assert kinds.count(EventKind.SHARE_REVOKED) == 1
    for text in ("", "gl", "gl_", "gl__", "gl_00000000_x", "gs_" + lapsed[3:], "\x00", "gl_\x00_x", lapsed[3:]):
        assert store.find_share(text) is None


@pytest.mark.parametrize(("sweep", "entry", "days"), [
    ("nothing", None, 1), ("s", "nothing", 1), ("s", None, 0), ("s", None, -1), ("s", None, MOST_DAYS + 1),
    ("s", None, float("nan")), ("s\x00", None, 1), ("s", "\x00", 1),
])  # fmt: skip
def test_there_is_no_link_to_what_is_not_there(store: Store, sweep: str, entry: str | None, days: float) -> None:
    with pytest.raises(InputError):
        store.create_share(sweep, entry, days)
    assert store.shares() == []


def test_revoking_needs_one_that_is_meant(store: Store) -> None:
    for name in ("", "zz"):
        with pytest.raises(InputError, match="golfsweep share --list"):
            store.revoke_share(name)
