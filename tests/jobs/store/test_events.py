"""Events: one row for each change, in its transaction, numbered so that a cursor misses none."""

import multiprocessing
import time
from collections import Counter
from typing import Any

import pytest

from jobs.budget import Budget
from jobs.errors import LostClaim, OverBudget
from jobs.machine.host import user_name
from jobs.state import EventKind, SweepState
from jobs.store import STALE_SECONDS, Store, TrialRecord
from tests.jobs.stores import DONE, FACTS, Clock, done, order, started

WRITERS, WRITES = 4, 100
END_SECONDS = 120.0


def kinds(store: Store, after: int = 0, sweep: str | None = None) -> list[str]:
    return [event.kind.value for event in store.events(after=after, sweep=sweep)]


class TestKinds:
    def test_a_jobs_life_is_told_by_its_events(self, store: Store) -> None:
        after = store.last_event()
        record = done(store, order(1), {"nll": 1.0})
        events = store.events(after=after)
        assert [(event.kind, event.who) for event in events] == [
            (EventKind.SCHEDULER_STARTED, "a"),
            (EventKind.JOB_REQUESTED, user_name()),
            (EventKind.JOB_CLAIMED, "a"),
            (EventKind.ATTEMPT_STARTED, "a"),
            (EventKind.JOB_DONE, "a"),
        ]
        assert {event.key for event in events[1:]} == {record.key}
        assert events[1].detail == {"label": "seed 1", "stage": "eval"}

    def test_what_changes_nothing_is_no_event(self, store: Store) -> None:
        record = started(store)
        after = store.last_event()
        store.put_job(order(1))
        store.progress(record.key, 1, 0.5, "half")
        store.beat("a")
        store.put_shard(record.key, 1, 0, "0" * 64, 9)
        assert kinds(store, after) == []
        store.end_sweep("s", SweepState.DONE)
        store.end_sweep("s", SweepState.FAILED)
        assert kinds(store, after) == ["sweep ended"]

    def test_a_change_that_is_rolled_back_has_no_event(self, store: Store) -> None:
        record = started(store)
        after = store.last_event()
        with pytest.raises(LostClaim):
            store.finish(record.key, 7, {}, **DONE)
        store.put_job(order(2))
        assert kinds(store, after) == ["job requested"]

    def test_failures_losses_and_retries_have_reasons(self, store: Store, clock: Clock) -> None:
        record = started(store)
        after = store.last_event()
        store.fail(record.key, 1, "crash: x", counted=True, final=False)
        [retried] = store.claim("a", 1)
        store.start_attempt(retried.key, "a", **FACTS)
        clock.now += STALE_SECONDS + 1
        store.beat("b")
        store.claim("b", 1)
        store.start_attempt(record.key, "b", **FACTS)
        store.fail(record.key, 3, "crash: y", counted=True, final=True)
        events = {event.kind: event for event in store.events(after=after)}
        assert events[EventKind.JOB_REQUEUED].detail["reason"] == "crash: x"
        assert events[EventKind.JOB_LOST].detail["scheduler"] == "a"
        assert (events[EventKind.JOB_FAILED].who, events[EventKind.JOB_FAILED].detail["attempt"]) == ("b", 3)

    def test_users_act_under_their_name_and_drivers_under_theirs(self, store: Store) -> None:
        store.drive("s", "driver 1", "x")
        after = store.last_event()
        queued = store.put_job(order(1))
        store.put_job(order(1, sweep="other"))
        trial = TrialRecord(number=3, parameters={}, distributions={}, state="running", value=None)
        store.put_trial("s", "digest", trial)
        store.stop_driving("s", "driver 1")
        store.cancel_jobs("s", [store.put_job(order(2)).key])
        store.withdraw("s", [queued.key])
        store.cancel_sweep("s")
        assert [(event.kind.value, event.who) for event in store.events(after=after)] == [
            ("job requested", "driver 1"),
            ("job requested", user_name()),
            ("trial drawn", "driver 1"),
            ("driver left", "driver 1"),
            ("job requested", user_name()),
            ("job cancelled", user_name()),
            ("job withdrawn", user_name()),
            ("sweep cancelled", user_name()),
        ]

    def test_a_refused_budget_is_an_event_though_nothing_else_is_written(self, store: Store) -> None:
        store.put_sweep("s", {}, Budget(gpu_hours=1.0))
        record = store.put_job(order(1))
        store.beat("a")
        store.claim("a", 1)
        after = store.last_event()
        with pytest.raises(OverBudget):
            store.start_attempt(record.key, "a", sweep="s", slots=8, seconds=3600.0, **FACTS)
        [event] = store.events(after=after)
        assert (event.kind, event.sweep, event.key) == (EventKind.BUDGET_REFUSED, "s", record.key)
        assert "needs 8 GPU-hours" in event.detail["reason"]

    def test_a_claim_that_is_given_back_and_taken_again_is_one_event(self, store: Store) -> None:
        key = store.put_job(order(1)).key
        store.beat("a")
        after = store.last_event()
        for _ in range(3):
            assert store.claim("a", 1, holding=[])
            store.release([key], scheduler="a")
        assert kinds(store, after) == ["job claimed"]
        store.beat("b")
        store.claim("b", 1)
        store.release([key], scheduler="b")
        store.claim("a", 1)
        assert [event.who for event in store.events(after=after)] == ["a", "b", "b", "a"]


class TestCursor:
    def test_events_of_a_sweep_are_its_own_and_those_of_jobs_that_it_shares(self, store: Store) -> None:
        store.put_job(order(1))
        store.put_job(order(2, sweep="other"))
        shared = store.put_job(order(3, sweep="other"))
        after = store.last_event()
        store.put_job(order(3))
        store.beat("a")
        claimed = {job.key for job in store.claim("a", 9)}
        assert len(claimed) == 3
        events = store.events(after=after, sweep="s")
        assert [event.kind.value for event in events] == ["job requested", "job claimed", "job claimed"]
        assert shared.key in {event.key for event in events}
        cursor, changed = store.changed_jobs("s", after)
        assert (cursor, changed) == (store.last_event(), {event.key for event in events})
        assert store.changed_jobs("s", cursor) == (cursor, set())

    def test_pages_follow_each_other(self, store: Store) -> None:
        for seed in range(5):
            store.put_job(order(seed))
        every, cursor, pages = store.events(), 0, []
        while page := store.events(after=cursor, limit=2):
            pages += page
            cursor = page[-1].id
        assert pages == every and len(every) == 7


def write(url: str, number: int, together: Any) -> None:
    """Change one sweep again and again; nothing but the events' order makes these writers wait for each other."""
    store = Store.open(url)
    store.put_sweep(f"s{number}", {})
    together.wait(END_SECONDS)
    for count in range(WRITES):
        store.put_sweep(f"s{number}", {"count": count})
    store.close()


def test_a_reader_beside_several_writers_sees_every_event_once(url: str) -> None:
    """On PostgreSQL a number may be taken before, and committed after, a larger one: the reader must not skip it."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(WRITERS + 1)
    store = Store.open(url)
    processes = [context.Process(target=write, args=(url, number, together)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    together.wait(END_SECONDS)
    seen: list[int] = []
    sweeps: Counter[str | None] = Counter()
    until = time.monotonic() + END_SECONDS
    while sweeps.total() < WRITERS * (1 + WRITES) and time.monotonic() < until:
        page = store.events(after=seen[-1] if seen else 0)
        seen += [event.id for event in page]
        sweeps.update(event.sweep for event in page)
        if not any(process.is_alive() for process in processes) and not page:
            break
    for process in processes:
        process.join(END_SECONDS)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    assert [event.id for event in store.events(limit=10_000)] == seen
    assert sweeps == {f"s{number}": 1 + WRITES for number in range(WRITERS)}
    store.close()
