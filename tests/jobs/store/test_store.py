"""The store's contract, on SQLite and, where a server is installed, on PostgreSQL.

A state machine drives two schedulers against a model.
"""

import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from golf.errors import InputError
from jobs.budget import Account, Budget
from jobs.machine.host import user_name
from jobs.state import AttemptState, JobState, SweepState
from jobs.store import STALE_SECONDS, AlreadyTaken, LostClaim, NodeRecord, OverBudget, Store, TrialRecord
from tests.jobs.stores import DONE, FACTS, MACHINE, Clock, order, started

ENDS = {
    "finish": {(JobState.DONE, AttemptState.DONE), (JobState.CANCELLED, AttemptState.CANCELLED)},
    "fail": {(JobState.FAILED, AttemptState.FAILED), (JobState.CANCELLED, AttemptState.CANCELLED)},
    "release": {(JobState.CANCELLED, AttemptState.LOST), (JobState.CANCELLED, AttemptState.CANCELLED)},
}
"""A job and its attempt after somebody ended it beside somebody who cancelled it: as if one after the other."""


class TestContract:
    def test_a_job_is_written_once_however_often_it_is_ordered(self, store: Store) -> None:
        first = store.put_job(order(1, priority=1))
        second = store.put_job(order(1, sweep="other", label="theirs"))
        assert first.key == second.key
        assert second.order.priority == 1
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
            store.put_shard(record.key, 1, 0, "0" * 64, 9)

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
        job = store.job(record.key)
        assert job is not None
        assert (job.state, job.outputs) == (JobState.DONE, {"nll": 1.0})
        assert store.claim("a", 9) == []

    def test_shards_and_checkpoints_outlive_an_attempt(self, store: Store) -> None:
        record = started(store)
        store.put_shard(record.key, 1, 3, "3" * 64, 9)
        store.put_checkpoint(record.key, 1, "c" * 64, 9)
        store.release([record.key])
        [second] = store.claim("a", 1)
        assert store.shards(record.key) == {3: "3" * 64}
        assert second.checkpoint == "c" * 64

    def test_failures_count_until_one_is_final_and_asking_again_starts_over(self, store: Store) -> None:
        record = started(store)
        store.fail(record.key, 1, "crash: x", counted=True, final=False, log="last words")
        [second] = store.claim("a", 1)
        assert second.failures == 1
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
        second = store.put_job(order(1))
        assert (second.failures, second.attempts_before_request, second.attempt) == (0, 1, 1)
        assert [attempt.failure for attempt in store.attempts(record.key)] == ["hang"]

    def test_a_cluster_has_one_scheduler_until_its_heart_stops(self, store: Store, clock: Clock) -> None:
        store.beat("a", "ray x", 16, 8)
        with pytest.raises(AlreadyTaken, match="a schedules ray x"):
            store.beat("b", "ray x")
        store.beat("b", "ray y")
        schedulers = {
            scheduler.name: (scheduler.cluster, scheduler.slots, scheduler.widest)
            for scheduler in store.live_schedulers()
        }
        assert schedulers == {"a": ("ray x", 16, 8), "b": ("ray y", 0, 0)}
        clock.now += STALE_SECONDS + 1
        store.beat("c", "ray x")
        with pytest.raises(AlreadyTaken):
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
        assert store.unneeded("a") == []
        store.end_sweep("s", SweepState.STOPPED)
        assert store.unneeded("a") == [ours]
        assert store.unneeded("b") == []
        with pytest.raises(LostClaim, match="sweep s is stopped"):
            store.start_attempt(waiting, "a", sweep="s", **FACTS)
        store.put_sweep("s", {})
        assert store.unneeded("a") == []
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
        store.finish(keys[0], 1, {}, **DONE | {"seconds": 1800.0})
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
        assert store.cancel_sweep("s") == {running.key: JobState.RUNNING, queued.key: JobState.QUEUED}
        assert [attempt.state for attempt in store.attempts(running.key)] == [AttemptState.CANCELLED]
        with pytest.raises(LostClaim):
            store.finish(running.key, 1, {}, **DONE)
        assert store.still_ending([running.key, queued.key]) == [running.key] == store.cancelled("a")
        store.confirm_ended([running.key])
        assert store.still_ending([running.key]) == []
        sweep, other = store.sweep("s"), store.job(shared.key)
        assert sweep is not None and other is not None
        assert (sweep.state, other.state) == (SweepState.CANCELLED, JobState.QUEUED)
        assert store.put_job(order(1)).state == JobState.QUEUED
        assert store.cancel_jobs("s", [shared.key]) == {}
        assert store.cancel_jobs("s", [running.key]) == {running.key: JobState.QUEUED}
        assert store.cancel_jobs("s", [running.key]) == {}

    def test_what_a_sweep_has_no_use_for_is_cancelled_unless_another_one_wants_it(self, store: Store) -> None:
        running = started(store)
        queued, shared, kept = (store.put_job(order(seed)) for seed in (2, 3, 4))
        store.put_job(order(3, sweep="other"))
        store.withdraw("s", [running.key, queued.key, shared.key])
        assert [job.key for job in store.jobs(sweep="s")] == [kept.key]
        assert store.cancelled("a") == [running.key]
        store.beat("b")
        assert [job.key for job in store.claim("b", 9)] == [shared.key, kept.key]
        second = store.put_job(order(1))
        assert (second.state, second.attempt) == (JobState.QUEUED, 1)

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
        job = store.job(record.key)
        assert job is not None
        assert (job.state, job.claimed_by) == (JobState.RUNNING, "b")

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
        trial = TrialRecord(number=0, parameters={"lr": 0.1}, distributions={"lr": "{}"}, state="complete", value=1.5)
        store.put_trial("s", "digest", trial)
        assert store.trials("s", "digest") == [trial]
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

    def test_a_sweep_keeps_its_first_owner_and_collects_tags(self, store: Store) -> None:
        first, mine = store.sweep("s"), {"new": 1}
        assert first is not None and (first.owner, first.tags) == (user_name(), ())
        store.put_sweep("theirs", {}, owner="ann")
        store.put_sweep("theirs", mine, owner="bob")
        store.tag("theirs", ["paper", "final"])
        store.tag("theirs", ["paper", "ablation"])
        sweep = store.sweep("theirs")
        assert sweep is not None
        assert (sweep.owner, sweep.tags, sweep.spec) == ("ann", ("ablation", "final", "paper"), mine)
        with pytest.raises(InputError, match='no sweep "nowhere" to tag'):
            store.tag("nowhere", ["x"])

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
        self.claimed_by: dict[str, str] = {}
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
            assert record.key not in self.claimed_by, "somebody alive holds it"
            self.claimed_by[record.key] = scheduler

    @rule(data=st.data())
    @precondition(lambda self: self.claimed_by.keys() - self.running.keys())
    def start(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.claimed_by.keys() - self.running.keys())))
        self.running[key] = (self.claimed_by[key], self.store.start_attempt(key, self.claimed_by[key], **FACTS))

    @rule(data=st.data(), how=st.sampled_from(["finish", "fail", "release"]))
    @precondition(lambda self: self.running)
    def end(self, data: st.DataObject, how: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        _, attempt = self.running.pop(key)
        del self.claimed_by[key]
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
        for key in [key for key, holder in self.claimed_by.items() if holder == scheduler]:
            del self.claimed_by[key]
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


def test_jobs_come_in_pages_by_the_last_one_that_is_known(store: Store) -> None:
    for seed in range(5):
        store.put_job(order(seed))
    store.put_job(order(3, sweep="other"))
    made = store.jobs("s")
    assert [record.key for record in store.jobs(limit=4)] == [record.key for record in made[:4]], "a shared one once"
    assert store.jobs("s", after=made[1].key, limit=2) == made[2:4]
    assert store.jobs(after=made[4].key, limit=2) == [] == store.jobs(after="0" * 64)
    assert [job.order.job.seed for job in store.jobs("other", limit=2)] == [3]
    assert store.jobs(states=[JobState.DONE], limit=2) == []


def test_trials_come_in_pages_by_number(store: Store) -> None:
    store.put_sweep("s", {})
    for number in range(4):
        store.put_trial(
            "s", "x", TrialRecord(number=number, parameters={}, distributions={}, state="running", value=None)
        )
    assert [trial.number for trial in store.trials("s", "x", after=0, limit=2)] == [1, 2]
    assert [trial.number for trial in store.trials("s", "x", after=2)] == [3]
