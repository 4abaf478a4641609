"""Notices from events to a receiver: by the sender itself, and by real servers of one database."""

import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from jobs.budget import Budget
from jobs.state import NoticeKind, SweepState, WebhookForm
from jobs.store import Delivery
from jobs.workplace import Workplace
from sweeps.web.notices.retries import Answer
from sweeps.web.notices.sender import NoticeSender
from tests.jobs.stores import FACTS, empty_database, order
from tests.postgresql import Server
from tests.sweeps.web.notices.receiver import Receiver

SECONDS = 30.0
"""For whatever takes a moment, on a machine that does other work, too."""
Make = Callable[..., NoticeSender]


def until(holds: Callable[[], bool], step: Callable[[], None] = lambda: None) -> None:
    """Wait for something, taking steps meanwhile."""
    limit = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < limit, "it did not happen"
        step()
        time.sleep(0.01)


@pytest.fixture
def make(own_place: Workplace) -> Iterator[Make]:
    made: list[NoticeSender] = []

    def sender(place: Workplace = own_place, **settings: object) -> NoticeSender:
        made.append(NoticeSender(place, "https://b", private=True, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield sender
    for each in made:
        each.stop()


def end_sweep(place: Workplace, name: str) -> None:
    place.store.put_sweep(name, {}, Budget())
    place.store.end_sweep(name, SweepState.FAILED, "its file is gone")


def test_what_happens_arrives_in_order_although_the_receiver_fails_at_first(own_place: Workplace, make: Make) -> None:
    with Receiver([(503, {"Retry-After": "0"}), (200, {})]) as receiver:
        store = own_place.store
        secret = store.add_webhook(WebhookForm.GENERIC, receiver.url).secret
        end_sweep(own_place, "first")
        sender = make()
        until(lambda: store.webhooks()[0].failures == 1, sender.step)
        end_sweep(own_place, "second")
        state = store.webhooks()[0]
        assert state.error == "answered with 503, Service Unavailable" and state.next_try is not None
        store.test_webhook(state.id)  # tries at once
        until(lambda: store.webhooks()[0].delivered == 3, sender.step)
    subjects = [message.document["data"].get("sweep", "test") for message in receiver.messages]
    assert subjects[:2] == ["first", "first"] and sorted(subjects[2:]) == ["second", "test"]
    numbers = [message.headers["Golfsweep-Notice"] for message in receiver.messages]
    assert numbers[0] == numbers[1] and secret and store.webhooks()[0].error is None


def test_one_slow_receiver_delays_no_other(own_place: Workplace, make: Make) -> None:
    with Receiver(silent=Event()) as slow, Receiver() as quick:
        for receiver in (slow, quick):
            own_place.store.add_webhook(WebhookForm.SLACK, receiver.url)
        sender = make()
        for name in ("a", "b", "c"):
            end_sweep(own_place, name)
        until(lambda: len(quick.messages) == 3, sender.step)
        assert len(slow.messages) == 1
        assert slow.silent is not None
        slow.silent.set()


def test_a_sender_that_dies_before_it_notes_a_delivery_has_it_sent_again(own_place: Workplace, make: Make) -> None:
    """At least once: what was on its way when a process died arrives a second time, with the same number."""
    sent: list[int] = []

    def send(delivery: Delivery) -> Answer:
        sent.append(delivery.number)
        return Answer(status=200, error="")

    own_place.store.add_webhook(WebhookForm.GENERIC, "https://h.example/x")
    end_sweep(own_place, "s")
    dying = make(send=send)
    until(lambda: len(sent) == 1, dying.step)
    own_place.store.leave_notices(dying._name)  # as its lease lapses
    other = make(send=send)
    until(lambda: own_place.store.webhooks()[0].delivered == 1, other.step)
    assert sent == [1, 1]
    dying._next_beat = 0.0
    dying.step()
    assert not dying._has_lease and own_place.store.webhooks()[0].delivered == 1


def test_a_defect_in_sending_holds_up_nothing(
    own_place: Workplace, make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> Answer:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("sweeps.web.notices.sender.send", fail)
    own_place.store.add_webhook(WebhookForm.SLACK, "https://h.example/s3cretPart")
    end_sweep(own_place, "s")
    sender = make()
    until(lambda: own_place.store.webhooks()[0].given_up == 1, sender.step)
    err = capsys.readouterr().err
    assert "a defect" in err and "s3cret" not in err


def test_two_senders_of_one_database_send_each_notice_once(postgresql: Server, tmp_path: object) -> None:
    url = empty_database(postgresql)
    places = [Workplace.open(tmp_path / name, url) for name in ("a", "b")]  # type: ignore[operator]
    with Receiver() as receiver:
        places[0].store.add_webhook(WebhookForm.GENERIC, receiver.url, [NoticeKind.SWEEP_DONE])
        senders = [NoticeSender(place, "https://b", private=True) for place in places]
        for sender in senders:
            sender.start()
        for number in range(12):
            end_sweep(places[number % 2], f"s{number}")
        until(lambda: places[0].store.webhooks()[0].delivered == 12)
        holder = next(sender for sender in senders if sender._has_lease)
        holder.stop()
        end_sweep(places[0], "last")
        until(lambda: places[0].store.webhooks()[0].delivered == 13)
        for sender in senders:
            sender.stop()
    names = [message.document["data"]["sweep"] for message in receiver.messages]
    assert sorted(names) == sorted([*(f"s{number}" for number in range(12)), "last"])
    for place in places:
        place.store.close()


def test_a_failed_job_and_a_spent_budget(own_place: Workplace, make: Make) -> None:
    store = own_place.store
    with Receiver() as receiver:
        store.add_webhook(WebhookForm.DISCORD, receiver.url)
        store.put_sweep("s_1", {}, Budget(gpu_hours=1.0))
        store.beat("a")
        store.put_job(order(1, sweep="s_1", label="train <@1>"))
        [record] = store.claim("a", 1)
        attempt = store.start_attempt(record.key, "a", **FACTS, node="n", slots=1, sweep="s_1", seconds=60)
        store.fail(record.key, attempt, "it broke", counted=True, final=True, seconds=3000.0)
        sender = make()
        until(lambda: store.webhooks()[0].delivered == 2, sender.step)
    contents = [message.document["content"] for message in receiver.messages]
    assert contents[0].startswith("Job train \\<\\@1\\> of sweep s\\_1 failed for good\\: it broke <https://b/jobs/")
    assert contents[1].startswith("Sweep s\\_1 has used 80 % of its budget\\: 0.833 of 1 slot-hours are spent.")


def test_without_webhooks_nothing_is_done(own_place: Workplace, make: Make) -> None:
    sender = make()
    end_sweep(own_place, "s")
    sender.step()
    assert not sender._has_lease and own_place.store.notice_watch() is None
