"""What a process could not hear is not held against anybody, for as long as everybody has to be heard."""

from jobs.store.presence.contact import BREAK_SECONDS, Contact, boot_seconds
from tests.jobs.stores import Clock


def test_nothing_is_missed_by_who_hears_all_the_time() -> None:
    clock = Clock()
    contact = Contact(30.0, clock)
    for _ in range(20):
        clock.now += BREAK_SECONDS
        assert contact.missed() == 0.0
        contact.hear()


def test_a_break_is_made_up_for_until_everybody_had_time_to_be_heard_again() -> None:
    clock = Clock()
    contact = Contact(30.0, clock)
    clock.now += 60.0
    assert contact.missed() == 60.0, "before the first answer is complete"
    contact.hear()
    for _ in range(3):
        clock.now += 9.0
        contact.hear()
    assert contact.missed() == 87.0
    clock.now += 3.0
    assert contact.missed() == 0.0


def test_its_time_is_the_one_that_goes_on_while_the_machine_sleeps() -> None:
    with open("/proc/uptime") as uptime:
        before = float(uptime.read().split()[0])
    assert before <= boot_seconds() + 0.01
