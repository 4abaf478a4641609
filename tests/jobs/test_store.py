"""The store's contract, on SQLite and, where a server is installed, on PostgreSQL.

A state machine drives two schedulers against a model; a hammer of real processes drives one file.
"""

import multiprocessing
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from golf.errors import InputError
from jobs.budget import Account, Budget
from jobs.spec import Job, Machine, Order
from jobs.state import AttemptState, JobState, SweepState
from jobs.store import STALE_SECONDS, JobRecord, LostClaim, NodeRecord, OverBudget, Store, StoreAway, Taken, TrialRecord
from jobs.store.losses import MOST_DONE, STARTS_OVER
from tests.postgresql import Server

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
FACTS: dict[str, Any] = {"host": "here", "workdir": "/tmp/x", "versions": {"torch": "2.13"}, "commit": None}
DONE: dict[str, Any] = {"seconds": 1.0, "peak_bytes": None}

ENDS = {
    "finish": {(JobState.DONE, AttemptState.DONE), (JobState.CANCELLED, AttemptState.CANCELLED)},
    "fail": {(JobState.FAILED, AttemptState.FAILED), (JobState.CANCELLED, AttemptState.CANCELLED)},
    "release": {(JobState.CANCELLED, AttemptState.LOST), (JobState.CANCELLED, AttemptState.CANCELLED)},
}
"""A job and its attempt after somebody ended it beside somebody who cancelled it: as if one after the other."""


class Clock:
    """Time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def order(
    seed: int, *, sweep: str = "s", label: str = "", priority: int = 0, machine: Machine = MACHINE, slots: int = 1
) -> Order:
    job = Job(kind="eval", settings={"eval": {}}, inputs={}, seed=seed, machine=machine, arithmetic=1)
    return Order(job=job, sweep=sweep, label=label or f"seed {seed}", priority=priority, slots=slots)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/it's a store.db"
        return
    yield empty_database(request.getfixturevalue("postgresql"))


def empty_database(server: Server) -> str:
    """The URL of a PostgreSQL database without tables."""
    engine = sqlalchemy.create_engine(server.url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    return server.url


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    opened = Store.open(url, clock)
    for sweep in ("s", "other"):
        opened.put_sweep(sweep, {})
    yield opened
    opened.close()


def started(store: Store, seed: int = 1, scheduler: str = "a") -> JobRecord:
    """A job that a scheduler runs."""
    store.beat(scheduler)
    store.put_job(order(seed))
    [record] = store.claim(scheduler, 1)
    store.start_attempt(record.key, scheduler, **FACTS)
    found = store.job(record.key)
    assert found is not None
    return found


def done(store: Store, order: Order, outputs: dict[str, Any], scheduler: str = "a") -> JobRecord:
    """A finished job."""
    store.beat(scheduler)
    store.put_job(order)
    [record] = store.claim(scheduler, 1)
    store.finish(record.key, store.start_attempt(record.key, scheduler, **FACTS), outputs, **DONE)
    return record


@pytest.fixture
def others(url: str, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store as another process has it open."""
    opened = Store.open(url, clock)
    for one in (store, opened):
        monkeypatch.setattr(one._contact, "_ticks", clock)
        one._contact.hear()
    yield opened
    opened.close()


class TestLife:
    """Who is alive, and who cannot tell."""

    def test_who_was_cut_off_takes_nothing_from_those_whom_it_could_not_hear(
        self, store: Store, others: Store, clock: Clock
    ) -> None:
        record = started(store)
        store.beat("a", "cluster")
        clock.now += STALE_SECONDS + 30  # the database is away for everybody, and "b" is the first to come back
        assert [one.name for one in others.live_schedulers()] == ["a"]
        with pytest.raises(Taken):
            others.beat("b", "cluster")
        others.beat("c", "another cluster")
        assert others.claim("c", 1) == []
        store.beat("a", "cluster")
        store.progress(record.key, 1, 0.5, "goes on")

    def test_who_does_not_come_back_after_a_break_is_dead_once_it_had_time_to(
        self, store: Store, others: Store, clock: Clock
    ) -> None:
        record = started(store)
        store.beat("a", "cluster")
        clock.now += STALE_SECONDS + 30
        until = clock.now + STALE_SECONDS
        while clock.now < until:
            assert [one.name for one in others.live_schedulers()] == ["a"]
            clock.now += 5
        others.beat("b", "cluster")
        assert [job.key for job in others.claim("b", 1)] == [record.key]

    def test_who_was_dead_before_a_break_stays_so(self, store: Store, others: Store, clock: Clock) -> None:
        store.beat("a", "cluster")
        for _ in range(7):
            clock.now += 5
            others.live_schedulers()
        clock.now += 60
        assert others.live_schedulers() == []

    def test_a_process_of_a_namesake_of_this_machine_is_not_looked_for_here(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.getpid", lambda: 2**22 + 1)  # beyond the largest there can be (proc(5), pid_max)
            store.beat("gone")
            patch.setattr("jobs.store.schedulers.identity", lambda: f"{socket.gethostname()} another")
            store.beat("there")
        assert [one.name for one in store.live_schedulers()] == ["there"]


def test_heartbeats_are_by_the_servers_clock_whatever_its_clients_show(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = empty_database(postgresql)
    ahead = Store.open(url)
    real = time.time
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: real() - 2 * STALE_SECONDS)
        behind = Store.open(url)
        behind.beat("b", "cluster")
        assert [one.name for one in ahead.live_schedulers()] == ["b"]
        with pytest.raises(Taken):
            ahead.beat("a", "cluster")
    ahead.close()
    behind.close()


class TestLosses:
    def test_what_made_a_lost_content_is_done_again_and_what_was_to_read_it_is_asked_for_anew(
        self, store: Store
    ) -> None:
        digest, other = "a" * 64, "b" * 64
        made = done(store, order(1), {"weights": digest, "steps": 3})
        untouched = done(store, order(2), {"weights": other})
        first = order(3)
        reads = replace(first, job=replace(first.job, inputs={"weights": digest}))
        reader = store.put_job(reads)
        assert store.lose_content(digest)
        [again] = store.claim("a", 5)
        assert (again.key, again.attempt, again.asked) == (made.key, 1, 1)
        assert store.lose_content(digest), "it is being made: a second reader waits as well"
        assert [job.key for job in store.jobs(sweep="s")] == [made.key, untouched.key]
        store.finish(made.key, store.start_attempt(made.key, "a", **FACTS), {"weights": digest}, **DONE)
        assert store.put_job(reads).state == JobState.QUEUED
        assert [job.key for job in store.claim("a", 5)] == [reader.key]
        kept = store.job(untouched.key)
        assert kept is not None
        assert kept.state == JobState.DONE

    def test_a_file_store_that_loses_the_same_again_and_again_is_not_fed_for_ever(self, store: Store) -> None:
        digest = "a" * 64
        for _ in range(MOST_DONE - 1):
            done(store, order(1), {"weights": digest})
            assert store.lose_content(digest)
        done(store, order(1), {"weights": digest})
        assert not store.lose_content(digest)

    def test_a_lost_checkpoint_or_shard_is_forgotten(self, store: Store) -> None:
        record = started(store)
        store.put_checkpoint(record.key, 1, "a" * 64)
        store.put_shard(record.key, 1, 0, "b" * 64)
        store.put_shard(record.key, 1, 1, "c" * 64)
        assert store.lose_content("a" * 64)
        assert store.lose_content("b" * 64)
        assert not store.lose_content("d" * 64)
        found = store.job(record.key)
        assert found is not None
        assert (found.checkpoint, found.reason) == (None, STARTS_OVER)
        assert store.shards(record.key) == {1: "c" * 64}


class TestContract:
    def test_a_job_is_written_once_however_often_it_is_ordered(self, store: Store) -> None:
        first = store.put_job(order(1, priority=1))
        again = store.put_job(order(1, sweep="other", label="theirs"))
        assert first.key == again.key
        assert again.order.priority == 1
        assert [job.order.label for job in store.jobs(sweep="other")] == ["theirs"]
        assert [job.order.label for job in store.jobs(sweep="s")] == ["seed 1"]
        assert len(store.jobs()) == 1

    def test_a_new_priority_counts_unless_another_running_sweep_asks_for_more(self, store: Store) -> None:
        store.put_job(order(1, priority=5))
        assert store.put_job(order(1, priority=2)).order.priority == 2
        store.put_job(order(1, sweep="other", priority=4))
        assert store.put_job(order(1, priority=3)).order.priority == 4
        store.end_sweep("other", SweepState.DONE)
        assert store.put_job(order(1, priority=3)).order.priority == 3

    def test_claims_go_by_priority_then_age_and_nobody_claims_what_another_holds(self, store: Store) -> None:
        for seed, priority in ((1, 0), (2, 5), (3, 0)):
            store.put_job(order(seed, priority=priority))
        store.beat("a")
        store.beat("b")
        assert [job.order.job.seed for job in store.claim("a", 2)] == [2, 1]
        assert [job.order.job.seed for job in store.claim("b", 5)] == [3]
        assert store.claim("b", 5) == []

    def test_a_scheduler_that_stops_beating_loses_its_jobs_and_nobody_is_blamed(
        self, store: Store, clock: Clock
    ) -> None:
        record = started(store)
        clock.now += STALE_SECONDS + 1
        store.beat("b")
        [claimed] = store.claim("b", 1)
        assert (claimed.key, claimed.state, claimed.failures) == (record.key, JobState.QUEUED, 0)
        assert store.start_attempt(record.key, "b", **FACTS) == 2
        assert [attempt.state for attempt in store.attempts(record.key)] == [AttemptState.LOST, AttemptState.RUNNING]
        with pytest.raises(LostClaim):
            store.finish(record.key, 1, {}, **DONE)
        with pytest.raises(LostClaim):
            store.put_shard(record.key, 1, 0, "0" * 64)

    def test_a_job_is_done_once(self, store: Store) -> None:
        record = started(store)
        store.finish(record.key, 1, {"nll": 1.0}, **DONE)
        for late in (
            lambda: store.finish(record.key, 1, {"nll": 2.0}, **DONE),
            lambda: store.progress(record.key, 1, 0.5, ""),
        ):
            with pytest.raises(LostClaim):
                late()
        store.put_job(order(1))
        found = store.job(record.key)
        assert found is not None
        assert (found.state, found.outputs) == (JobState.DONE, {"nll": 1.0})
        assert store.claim("a", 9) == []

    def test_shards_and_checkpoints_outlive_an_attempt(self, store: Store) -> None:
        record = started(store)
        store.put_shard(record.key, 1, 3, "3" * 64)
        store.put_checkpoint(record.key, 1, "c" * 64)
        store.release([record.key])
        [again] = store.claim("a", 1)
        assert store.shards(record.key) == {3: "3" * 64}
        assert again.checkpoint == "c" * 64

    def test_failures_count_until_one_is_final_and_asking_again_starts_over(self, store: Store) -> None:
        record = started(store)
        store.fail(record.key, 1, "crash: x", counted=True, final=False, log="last words")
        [again] = store.claim("a", 1)
        assert again.failures == 1
        store.start_attempt(record.key, "a", **FACTS)
        store.fail(record.key, 2, "crash: y", counted=False, final=True)
        failed = store.job(record.key)
        assert failed is not None
        assert (failed.state, failed.failures, failed.reason) == (JobState.FAILED, 1, "crash: y")
        assert store.claim("a", 1) == []
        assert [attempt.log for attempt in store.attempts(record.key)] == ["last words", ""]
        assert store.put_job(order(1)).state == JobState.QUEUED

    def test_asking_again_forgets_earlier_failures_but_keeps_the_attempts(self, store: Store) -> None:
        record = started(store)
        store.fail(record.key, 1, "hang: x", counted=True, final=True, failure="hang")
        again = store.put_job(order(1))
        assert (again.failures, again.asked, again.attempt) == (0, 1, 1)
        assert [attempt.failure for attempt in store.attempts(record.key)] == ["hang"]

    def test_a_cluster_has_one_scheduler_until_its_heart_stops(self, store: Store, clock: Clock) -> None:
        store.beat("a", "ray x", 16, 8)
        with pytest.raises(Taken, match="a schedules ray x"):
            store.beat("b", "ray x")
        store.beat("b", "ray y")
        found = {one.name: (one.cluster, one.slots, one.widest) for one in store.live_schedulers()}
        assert found == {"a": ("ray x", 16, 8), "b": ("ray y", 0, 0)}
        clock.now += STALE_SECONDS + 1
        store.beat("c", "ray x")
        with pytest.raises(Taken):
            store.beat("a", "ray x", 16, 8)
        store.forget_scheduler("c")
        store.beat("a", "ray x", 16, 8)

    def test_a_scheduler_claims_what_its_machines_can_run(self, store: Store) -> None:
        other = replace(MACHINE, device="cuda H200")
        ours, theirs = store.put_job(order(1)), store.put_job(order(2, machine=other))
        wide = store.put_job(order(3, machine=replace(MACHINE, processes=8), slots=8))
        store.beat("a")
        store.beat("b")
        assert [job.key for job in store.claim("b", 9, machines=[other.slot_class])] == [theirs.key]
        assert [job.key for job in store.claim("a", 9, machines=[MACHINE.slot_class], widths=(2, 8))] == [wide.key]
        assert [job.key for job in store.claim("a", 9, machines=[MACHINE.slot_class], widths=(1, 1))] == [ours.key]

    def test_claims_have_no_more_slots_together_than_there_is_room_for(self, store: Store) -> None:
        keys = [store.put_job(order(seed, slots=slots)).key for seed, slots in enumerate((4, 8, 3, 1))]
        store.beat("a")
        assert [job.key for job in store.claim("a", 9, slots=7)] == [keys[0], keys[2]]
        assert [job.key for job in store.claim("a", 1, widths=(2, 8), slots=9)] == [keys[1]]

    def test_sweeps_of_one_priority_take_turns_and_the_idle_one_comes_first(self, store: Store) -> None:
        for seed in range(4):
            store.put_job(order(seed))
        for seed in range(10, 14):
            store.put_job(order(seed, sweep="other"))
        store.beat("a")
        first = store.claim("a", 4)
        assert [job.order.sweep for job in first] == ["s", "other", "s", "other"]
        for job in first:
            if job.order.sweep == "s":
                store.start_attempt(job.key, "a", sweep="s", **FACTS)
        assert [job.order.sweep for job in store.claim("a", 2)] == ["other", "other"]

    def test_only_jobs_of_running_sweeps_are_claimed(self, store: Store) -> None:
        store.put_job(order(1))
        shared = store.put_job(order(2))
        store.put_job(order(2, sweep="other"))
        store.end_sweep("s", SweepState.STOPPED)
        store.beat("a")
        [job] = store.claim("a", 9)
        assert (job.key, job.order.sweep) == (shared.key, "other")

    def test_a_stopped_sweeps_jobs_do_not_start_and_what_runs_for_no_other_is_not_wanted(self, store: Store) -> None:
        ours, shared, waiting = (store.put_job(order(seed)).key for seed in range(3))
        store.put_job(order(1, sweep="other"))
        store.beat("a")
        store.claim("a", 9)
        for key in (ours, shared):
            store.start_attempt(key, "a", sweep="s", **FACTS)
        assert store.unwanted("a") == []
        store.end_sweep("s", SweepState.STOPPED)
        assert store.unwanted("a") == [ours]
        assert store.unwanted("b") == []
        with pytest.raises(LostClaim, match="sweep s is stopped"):
            store.start_attempt(waiting, "a", sweep="s", **FACTS)
        store.put_sweep("s", {})
        assert store.unwanted("a") == []
        assert store.start_attempt(waiting, "a", sweep="s", **FACTS) == 1

    def test_what_may_be_spent_is_set_aside_before_and_settled_after(self, store: Store, clock: Clock) -> None:
        store.put_sweep("s", {}, Budget(gpu_hours=3.0))
        keys = [store.put_job(order(seed)).key for seed in range(3)]
        store.beat("a")
        store.claim("a", 9)
        store.start_attempt(keys[0], "a", sweep="s", slots=2, seconds=3600.0, **FACTS)
        assert store.account("s") == Account(spent=0.0, reserved=2.0, running=1)
        with pytest.raises(OverBudget, match=r"needs 2 GPU-hours; of budget\.gpu_hours = 3"):
            store.start_attempt(keys[1], "a", sweep="s", slots=2, seconds=3600.0, **FACTS)
        clock.now += 1800
        store.beat("a")
        store.finish(keys[0], 1, {}, **DONE)
        assert store.account("s") == Account(spent=1.0, reserved=0.0, running=0)
        store.start_attempt(keys[1], "a", sweep="s", slots=2, seconds=3600.0, **FACTS)
        assert store.overspent() == {}
        clock.now += 3600
        assert "budget.gpu_hours = 3" in store.overspent()["s"]
        store.put_sweep("s", {}, Budget(gpu_hours=9.0))
        assert store.overspent() == {}

    def test_a_deadline_passes_whether_anything_runs_or_not(self, store: Store, clock: Clock) -> None:
        store.put_sweep("s", {}, Budget(gpu_hours=1.0, deadline=clock.now + 60))
        assert store.overspent() == {}
        clock.now += 61
        assert "deadline" in store.overspent()["s"]
        store.end_sweep("s", SweepState.DONE)
        assert store.overspent() == {}

    def test_a_lost_attempt_is_paid_until_its_last_heartbeat(self, store: Store, clock: Clock) -> None:
        store.put_sweep("s", {}, Budget(dollars_per_gpu_hour=3.0))
        record = store.put_job(order(1))
        store.beat("a")
        store.claim("a", 1)
        store.start_attempt(record.key, "a", sweep="s", slots=8, **FACTS)
        clock.now += 900
        store.progress(record.key, 1, 0.5, "")
        clock.now += 9000
        store.beat("b")
        store.claim("b", 1)
        assert store.account("s") == Account(spent=2.0, reserved=0.0, running=0)
        store.start_attempt(record.key, "b", sweep="s", slots=8, **FACTS)
        clock.now += 450
        store.cancel_jobs("s", [record.key])
        assert [attempt.cost for attempt in store.attempts(record.key)] == pytest.approx([6.0, 3.0])

    def test_cancelling_a_sweep_spares_what_another_one_wants(self, store: Store) -> None:
        running = started(store)
        queued, shared = store.put_job(order(2)), store.put_job(order(3))
        store.put_job(order(3, sweep="other"))
        assert set(store.cancel_sweep("s")) == {running.key, queued.key}
        assert [attempt.state for attempt in store.attempts(running.key)] == [AttemptState.CANCELLED]
        with pytest.raises(LostClaim):
            store.finish(running.key, 1, {}, **DONE)
        assert store.unended([running.key, queued.key]) == [running.key] == store.cancelled("a")
        store.let_go([running.key])
        assert store.unended([running.key]) == []
        sweep, other = store.sweep("s"), store.job(shared.key)
        assert sweep is not None and other is not None
        assert (sweep.state, other.state) == (SweepState.CANCELLED, JobState.QUEUED)
        assert store.put_job(order(1)).state == JobState.QUEUED
        assert store.cancel_jobs("s", [shared.key]) == []
        assert store.cancel_jobs("s", [running.key]) == [running.key]
        assert store.cancel_jobs("s", [running.key]) == []

    def test_what_a_sweep_has_no_use_for_is_cancelled_unless_another_one_wants_it(self, store: Store) -> None:
        running = started(store)
        queued, shared, kept = (store.put_job(order(seed)) for seed in (2, 3, 4))
        store.put_job(order(3, sweep="other"))
        store.withdraw("s", [running.key, queued.key, shared.key])
        assert [job.key for job in store.jobs(sweep="s")] == [kept.key]
        assert store.cancelled("a") == [running.key]
        store.beat("b")
        assert [job.key for job in store.claim("b", 9)] == [shared.key, kept.key]
        again = store.put_job(order(1))
        assert (again.state, again.attempt) == (JobState.QUEUED, 1)

    @pytest.mark.parametrize("end", ["finish", "fail", "release"])
    def test_whoever_cancels_and_whoever_ends_a_job_at_once_take_turns(self, url: str, store: Store, end: str) -> None:
        beside = Store.open(url)
        ends: dict[str, Callable[[str], object]] = {
            "finish": lambda key: beside.finish(key, 1, {}, **DONE),
            "fail": lambda key: beside.fail(key, 1, "why", counted=True, final=True),
            "release": lambda key: beside.release([key], scheduler="a"),
        }
        together = threading.Barrier(2)

        def at_once(action: Callable[[], object]) -> None:
            together.wait(60)
            with suppress(LostClaim):
                action()

        with ThreadPoolExecutor(2) as pool:
            for seed in range(12):
                keys = [started(store, seed).key]
                cancelling = pool.submit(at_once, lambda keys=keys: store.cancel_jobs("s", keys))
                ending = pool.submit(at_once, lambda keys=keys: ends[end](keys[0]))
                cancelling.result()
                ending.result()
                [attempt] = store.attempts(keys[0])
                job = store.job(keys[0])
                assert job is not None
                assert (job.state, attempt.state) in ENDS[end]
                store.cancel_jobs("s", keys)
        beside.close()

    def test_only_its_own_claims_are_given_back(self, store: Store, clock: Clock) -> None:
        record = started(store)
        clock.now += STALE_SECONDS + 1
        store.beat("b")
        store.claim("b", 1)
        store.start_attempt(record.key, "b", **FACTS)
        store.release([record.key], scheduler="a")
        found = store.job(record.key)
        assert found is not None
        assert (found.state, found.claimed_by) == (JobState.RUNNING, "b")

    def test_nodes_are_remembered_by_cluster(self, store: Store) -> None:
        bad = NodeRecord(cluster="x", name="n", host="h", good=False, reason="slow", checked=1.0)
        store.put_node(bad)
        store.put_node(replace(bad, cluster="y"))
        store.put_node(replace(bad, good=True))
        assert store.nodes("x") == [replace(bad, good=True)]
        assert len(store.nodes()) == 2

    def test_trials_are_rows_of_ours(self, store: Store) -> None:
        trial = TrialRecord(number=0, parameters={"lr": 0.1}, distributions={"lr": "{}"}, state="running", value=None)
        store.put_trial("s", "digest", trial)
        told = TrialRecord(number=0, parameters={"lr": 0.1}, distributions={"lr": "{}"}, state="complete", value=1.5)
        store.put_trial("s", "digest", told)
        assert store.trials("s", "digest") == [told]
        assert store.trials("s", "another search") == []

    def test_jobs_are_found_by_the_first_digits_of_their_key(self, store: Store) -> None:
        keys = [store.put_job(order(seed)).key for seed in range(3)]
        assert [job.key for job in store.find_jobs(keys[1][:20])] == [keys[1]]
        assert store.find_jobs("%") == []

    def test_a_sweep_keeps_its_first_day(self, store: Store, clock: Clock) -> None:
        store.put_sweep("s", {"a": 1})
        clock.now += 60
        store.put_sweep("s", {"a": 2})
        sweep = store.sweep("s")
        assert sweep is not None
        assert (sweep.spec, sweep.created, sweep.state) == ({"a": 2}, 1_000_000.0, "running")

    def test_what_is_written_is_there_for_the_next_process(self, store: Store, url: str) -> None:
        key = store.put_job(order(1)).key
        second = Store.open(url)
        assert second.job(key) == store.job(key)
        second.close()


class Schedulers(RuleBasedStateMachine):
    """Two schedulers that claim, run, finish, fail, die and come back, in any order, against a model."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.store = Store.open(f"sqlite:///{self.folder.name}/store.db", self.clock)
        self.running: dict[str, tuple[str, int]] = {}
        self.held: dict[str, str] = {}
        self.done: dict[str, int] = {}
        self.store.put_sweep("s", {})
        for seed in range(3):
            self.store.put_job(order(seed))

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(scheduler=st.sampled_from("ab"), limit=st.integers(1, 3))
    def claim(self, scheduler: str, limit: int) -> None:
        self.store.beat(scheduler)
        for record in self.store.claim(scheduler, limit):
            assert record.key not in self.done
            assert record.key not in self.held, "somebody alive holds it"
            self.held[record.key] = scheduler

    @rule(data=st.data())
    @precondition(lambda self: self.held.keys() - self.running.keys())
    def start(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held.keys() - self.running.keys())))
        self.running[key] = (self.held[key], self.store.start_attempt(key, self.held[key], **FACTS))

    @rule(data=st.data(), how=st.sampled_from(["finish", "fail", "release"]))
    @precondition(lambda self: self.running)
    def end(self, data: st.DataObject, how: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        _, attempt = self.running.pop(key)
        del self.held[key]
        if how == "finish":
            self.store.finish(key, attempt, {"attempt": attempt}, **DONE)
            self.done[key] = attempt
        elif how == "fail":
            self.store.fail(key, attempt, "crash", counted=True, final=False)
        else:
            self.store.release([key])

    @rule(scheduler=st.sampled_from("ab"))
    def die(self, scheduler: str) -> None:
        """A scheduler is silent until its claims lapse; the other one keeps beating."""
        self.clock.now += STALE_SECONDS + 1
        self.store.beat("b" if scheduler == "a" else "a")
        for key in [key for key, holder in self.held.items() if holder == scheduler]:
            del self.held[key]
            self.running.pop(key, None)

    @rule(data=st.data(), attempt=st.integers(1, 3))
    def come_back_late(self, data: st.DataObject, attempt: int) -> None:
        key = data.draw(st.sampled_from([job.key for job in self.store.jobs()]))
        record = self.store.job(key)
        assert record is not None
        if record.state != JobState.RUNNING or record.attempt != attempt:
            with pytest.raises(LostClaim):
                self.store.finish(key, attempt, {"attempt": "late"}, **DONE)

    @invariant()
    def the_store_agrees(self) -> None:
        for job in self.store.jobs():
            attempts = self.store.attempts(job.key)
            assert sum(attempt.state == AttemptState.RUNNING for attempt in attempts) <= 1
            assert sum(attempt.state == AttemptState.DONE for attempt in attempts) == (job.key in self.done)
            assert (job.state == JobState.DONE) == (job.key in self.done)
            if job.key in self.done:
                assert job.outputs == {"attempt": self.done[job.key]}


TestSchedulers = Schedulers.TestCase
TestSchedulers.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, derandomize=True)


HANG_SECONDS = 120.0
"""Guards against processes that never end; nothing that is tested takes so long."""


def work(url: str, name: str, errors: Any, together: Any) -> None:
    """Claim, run and finish until nothing is left, from the moment when all have claimed their first three.

    That moment is waited for because SQLite is not fair: whoever polls while another writes without a break may
    come too late for all of them. No time passes on the clock, so nobody's claims lapse however slow the machine is.
    """
    try:
        store = Store.open(url, Clock())
        store.beat(name)
        together.wait(HANG_SECONDS)
        records = store.claim(name, 3)
        together.wait(HANG_SECONDS)
        while records:
            for record in records:
                attempt = store.start_attempt(record.key, name, **FACTS)
                store.progress(record.key, attempt, 0.5, "half")
                store.put_shard(record.key, attempt, 0, "0" * 64)
                store.finish(record.key, attempt, {"by": name}, **DONE)
            records = store.claim(name, 3)
    except BaseException as error:
        errors.put(f"{type(error).__name__}: {error}")
        raise


def end_well(target: Callable[..., None], *arguments: Sequence[Any]) -> None:
    """Run a function in processes, one for each of the arguments, which a queue for errors and a barrier follow."""
    context = multiprocessing.get_context("spawn")
    errors, together = context.Queue(), context.Barrier(len(arguments))
    processes = [context.Process(target=target, args=(*given, errors, together)) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(HANG_SECONDS)
    assert errors.empty(), errors.get()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_processes_that_hammer_one_file_never_find_it_locked_and_do_nothing_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hammer.db"
    store = Store.open(url)
    store.put_sweep("s", {})
    for seed in range(200):
        store.put_job(order(seed))
    end_well(work, *((url, f"w{number}") for number in range(4)))
    assert {job.state for job in store.jobs()} == {JobState.DONE}
    assert {len(store.attempts(job.key)) for job in store.jobs()} == {1}
    assert {job.outputs["by"] for job in store.jobs() if job.outputs} == {"w0", "w1", "w2", "w3"}


def test_a_server_that_dies_is_away_and_what_it_had_is_there_when_it_comes_back(postgresql: Server) -> None:
    store = Store.open(empty_database(postgresql))
    store.put_sweep("s", {})
    postgresql.kill()
    try:
        for _ in range(2):  # the first finds a connection broken, the second can make none
            with pytest.raises(StoreAway):
                store.put_job(order(1))
    finally:
        postgresql.start()
    assert store.put_job(order(1)).state == JobState.QUEUED
    store.close()


def test_a_file_that_somebody_holds_for_too_long_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.database.BUSY_SECONDS", 0.05)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.put_sweep("s", {})
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway, match="database is locked"):
        store.put_job(order(1))
    other.execute("ROLLBACK")
    other.close()
    assert store.put_job(order(1)).state == JobState.QUEUED
    store.close()


def test_a_file_without_room_is_away_and_says_that_it_is_full(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # of this connection, which the pool hands out again
    with pytest.raises(StoreAway) as full:
        store.put_sweep("s", {"text": "x" * 10**6})
    assert full.value.errno == 28
    store.close()


def open_once(url: str, errors: Any, together: Any) -> None:
    try:
        together.wait(HANG_SECONDS)
        store = Store.open(url)
        store.put_sweep("s", {})
        store.put_job(order(1))
        store.close()
    except BaseException as error:
        errors.put(f"{type(error).__name__}: {error}")
        raise


def test_processes_that_open_a_new_database_at_once_make_it_once(url: str) -> None:
    end_well(open_once, *[(url,)] * 4)
    store = Store.open(url)
    assert len(store.jobs()) == 1
    store.close()


def test_a_new_file_that_is_just_being_made_by_another_process_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turning write-ahead logging on is refused at once, without any wait, while another connection writes."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []
    here, sleep = threading.get_ident(), time.sleep

    def pause(seconds: float) -> None:
        if threading.get_ident() != here:  # what other tests left running sleeps as ever
            return sleep(seconds)
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr("jobs.database.time.sleep", pause)
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    other.close()
    assert len(waits) == 3


def test_what_is_no_store_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a database URL"):
        Store.open("nonsense")
    (tmp_path / "text.db").write_text("no database at all" * 99)
    with pytest.raises(InputError, match=r"text\.db: cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(InputError, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}")
    connection = sqlite3.connect(tmp_path / "foreign.db")
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(InputError, match=r"holds tables of something else \(other\)"):
        Store.open(f"sqlite:///{tmp_path}/foreign.db")


def test_an_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(InputError, match=r"expected 3\.35\.0 or later, or a postgresql:// URL"):
        Store.open(f"sqlite:///{tmp_path}/store.db")


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/later.db"
    Store.open(url).close()
    connection = sqlite3.connect(tmp_path / "later.db")
    connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="upgrade golfsweep"):
        Store.open(url)
