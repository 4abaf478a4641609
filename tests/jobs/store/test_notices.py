"""Webhooks and their outbox: what is kept secret, who sends, and that nothing is lost."""

from dataclasses import asdict
from threading import Barrier, Thread

import pytest

from golf.errors import InputError
from jobs.errors import LostLease
from jobs.state import EventKind, NoticeKind, WebhookForm
from jobs.store import STALE_SECONDS, Delivery, Notice, NoticeWatch, Store
from jobs.store.notices.outbox import KEPT_SECONDS
from jobs.store.notices.webhooks import MOST_WEBHOOKS
from jobs.store.transactions import ActingProcess
from tests.jobs.stores import Clock

SECRET = "Zs3cretPart/aBcD1234"
URL = f"https://discord.com/api/webhooks/1/{SECRET}"


def notice(number: int, kind: NoticeKind = NoticeKind.JOB_FAILED) -> Notice:
    return Notice(kind=kind.value, sentence=f"number {number}", path="/", data={"number": number})


def put(store: Store, *notices: Notice, sender: str = "a") -> None:
    assert store.take_notices(sender)
    watch = store.notice_watch()
    assert watch is not None
    store.put_notices(sender, notices, watch)


def only(store: Store) -> Delivery:
    [delivery] = store.due_deliveries()
    return delivery


def test_nothing_for_people_has_the_address_or_the_secret(store: Store) -> None:
    made = store.add_webhook(WebhookForm.GENERIC, URL)
    assert made.secret.startswith("gsw_") and len(made.secret) > 40
    shown = [repr(made), *(repr(asdict(each)) for each in store.webhooks()), *(repr(each) for each in store.events())]
    assert store.webhooks()[0].host == "discord.com" and store.webhooks()[0].ending == "1234"
    assert not any(SECRET in text or SECRET[:8] in text or made.secret in text for text in shown)
    put(store, notice(1))
    assert (only(store).url, only(store).secret) == (URL, made.secret)
    assert SECRET not in repr(only(store)) and made.secret not in repr(only(store))
    with pytest.raises(InputError, match="has a webhook already") as refused:
        store.add_webhook(WebhookForm.DISCORD, URL)
    assert SECRET[:8] not in str(refused.value)


@pytest.mark.parametrize("address", [
    "", "discord.com/x", "ftp://host/x", "https://", "https:///x", "https://a b/x", "https://h/\n", "https://h:0x/", "https://h/é",
    "https://h:99999/", "https://h/" + "x" * 2000, "https://u:sEcReT99@h/x", "https://h/x#sEcReT99", "file:///etc/passwd",
])  # fmt: skip
def test_what_is_no_address_is_refused_without_being_repeated(store: Store, address: str) -> None:
    with pytest.raises(InputError) as refused:
        store.add_webhook(WebhookForm.SLACK, address)
    assert "sEcReT" not in str(refused.value) and store.webhooks() == []


def test_a_webhook_gets_what_happens_after_it_was_added_and_what_it_wants(store: Store, clock: Clock) -> None:
    store.add_webhook(WebhookForm.SLACK, "https://first.example/")
    put(store, notice(1), notice(2, NoticeKind.BUDGET))
    clock.now += 1
    second = store.add_webhook(WebhookForm.SLACK, "https://second.example/", [NoticeKind.BUDGET]).record
    put(store, notice(3), notice(4, NoticeKind.BUDGET))
    assert [(each.host, each.waiting) for each in store.webhooks()] == [("first.example", 4), ("second.example", 1)]
    [mine] = [each for each in store.due_deliveries() if each.webhook == second.id]
    assert mine.notice == notice(4, NoticeKind.BUDGET)
    store.note_delivered("a", mine)
    store.test_webhook(second.id[:3])
    [mine] = [each for each in store.due_deliveries() if each.webhook == second.id]
    assert mine.notice.kind == "test" and mine.notice.data == {"webhook": second.id}
    assert [each.waiting for each in store.webhooks()] == [4, 1]
    store.remove_webhook(second.id)
    assert [each.host for each in store.webhooks()] == ["first.example"]
    kinds = [event.kind for event in store.events() if "webhook" in event.kind]
    assert kinds == [
        EventKind.WEBHOOK_ADDED,
        EventKind.WEBHOOK_ADDED,
        EventKind.WEBHOOK_TESTED,
        EventKind.WEBHOOK_REMOVED,
    ]


def test_the_first_webhook_begins_the_watch_anew(store: Store) -> None:
    assert store.notice_watch() is None
    first = store.add_webhook(WebhookForm.SLACK, "https://first.example/").record
    watch = store.notice_watch()
    assert watch == NoticeWatch(event=store.last_event() - 1, seen={})  # its own event comes after it
    store.take_notices("a")
    store.put_notices("a", [], NoticeWatch(event=watch.event, seen={"boards": {"s": {}}}))
    store.remove_webhook(first.id)
    assert store.notice_watch() is None
    store.put_sweep("meanwhile", {})
    before = store.last_event()
    store.add_webhook(WebhookForm.SLACK, "https://second.example/")
    assert store.notice_watch() == NoticeWatch(event=before, seen={})


def test_notices_are_sent_in_order_each_until_it_arrives(store: Store, clock: Clock) -> None:
    store.add_webhook(WebhookForm.GENERIC, URL)
    put(store, notice(1), notice(2))
    first = only(store)
    assert only(store) == first  # a sender that dies now has lost nothing
    store.note_failed("a", first, "answered with 503", 5.0, give_up=False)
    assert store.due_deliveries() == []
    [state] = store.webhooks()
    assert (state.error, state.failures, state.next_try, state.waiting) == ("answered with 503", 1, clock.now + 5, 2)
    clock.now += 5
    assert only(store).notice == notice(1) and only(store).failures == 1
    store.note_delivered("a", only(store))
    assert only(store).notice == notice(2)
    store.note_delivered("a", first)  # an answer that comes twice moves nothing
    [state] = store.webhooks()
    assert (state.error, state.failures, state.delivered, state.waiting, state.last_sent) == (None, 0, 1, 1, clock.now)


def test_what_is_given_up_is_an_event_and_the_next_one_follows(store: Store, clock: Clock) -> None:
    store.add_webhook(WebhookForm.GENERIC, URL)
    put(store, notice(1), notice(2))
    store.note_failed("a", only(store), "answered with 404", 60.0, give_up=True)
    [event] = [event for event in store.events() if event.kind == EventKind.NOTICE_GIVEN_UP]
    assert event.detail["reason"] == "answered with 404" and event.detail["host"] == "discord.com"
    assert (store.webhooks()[0].given_up, store.webhooks()[0].waiting, store.due_deliveries()) == (1, 1, [])
    clock.now += 60
    assert only(store).notice == notice(2)


def test_notices_that_nobody_waits_for_are_removed_in_the_end(store: Store, clock: Clock) -> None:
    store.add_webhook(WebhookForm.GENERIC, URL)
    put(store, notice(1), notice(2))
    for _ in range(2):
        store.note_delivered("a", only(store))
    clock.now += KEPT_SECONDS + 1
    put(store, notice(3))
    assert only(store).number == 3 and only(store).notice == notice(3)  # numbers go on


class TestLease:
    def test_one_process_sends(self, url: str, clock: Clock) -> None:
        """Of two machines: the second one waits until it has watched the first one's heartbeat stand still."""
        a, b = (Store.open(url, clock).acting_as("x", ActingProcess(host=host, pid=1)) for host in ("h1", "h2"))
        a.add_webhook(WebhookForm.GENERIC, URL)
        assert a.take_notices("a") and not b.take_notices("b")
        for _ in range(10):
            clock.now += STALE_SECONDS / 3
            assert a.take_notices("a") and not b.take_notices("b")
        put(a, notice(1))
        sent = only(a)
        clock.now += STALE_SECONDS + 1
        assert b.take_notices("b") and not a.take_notices("a")
        for write in (
            lambda: a.note_delivered("a", sent),
            lambda: a.note_failed("a", sent, "x", None, give_up=False),
            lambda: a.put_notices("a", [notice(2)], NoticeWatch(event=0, seen={})),
        ):
            with pytest.raises(LostLease):
                write()
        assert only(b) == sent  # nobody knows whether it arrived, so it is sent again
        b.leave_notices("b")
        assert a.take_notices("a")
        a.close(), b.close()

    def test_of_many_at_once_one_gets_it(self, url: str) -> None:
        stores = [Store.open(url) for _ in range(4)]
        barrier, got = Barrier(4), []

        def take(number: int) -> None:
            barrier.wait()
            got.append(stores[number].take_notices(f"sender-{number}"))

        threads = [Thread(target=take, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False, False, False, True]
        for store in stores:
            store.close()


def test_there_are_not_too_many(store: Store) -> None:
    for number in range(MOST_WEBHOOKS):
        store.add_webhook(WebhookForm.SLACK, f"https://h.example/{number}")
    with pytest.raises(InputError, match="remove one"):
        store.add_webhook(WebhookForm.SLACK, "https://h.example/more")
