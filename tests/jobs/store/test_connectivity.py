"""A process that had no database for a while holds nobody's silence in that time against them."""

from jobs.store.presence.connectivity import BREAK_SECONDS, Connectivity
from tests.jobs.stores import Clock


def test_without_a_break_nobody_has_extra_time() -> None:
    clock = Clock()
    connectivity = Connectivity(30.0, clock)
    for _ in range(20):
        clock.now += BREAK_SECONDS
        assert connectivity.grace_seconds() == 0.0
        connectivity.note_answer()


def test_after_a_break_others_have_extra_time_until_all_could_write_a_heartbeat() -> None:
    clock = Clock()
    connectivity = Connectivity(30.0, clock)
    clock.now += 60.0
    assert connectivity.grace_seconds() == 60.0, "before the first answer is complete"
    connectivity.note_answer()
    for _ in range(3):
        clock.now += 9.0
        connectivity.note_answer()
    assert connectivity.grace_seconds() == 87.0
    clock.now += 3.0
    assert connectivity.grace_seconds() == 0.0
