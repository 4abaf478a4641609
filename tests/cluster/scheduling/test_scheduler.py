"""The scheduler against a real store and files, with an executor whose events the test dictates."""

from dataclasses import replace

import pytest

from cluster.executor import Node
from cluster.policy.retry import MAX_FAILURES
from cluster.scheduling.scheduler import BEAT_SECONDS, LOOK_SECONDS, START_SECONDS
from cluster.scheduling.state.backoff import FIRST_SECONDS
from jobs.budget import Budget
from jobs.events import Checkpoint, Failed, Failure, Finished, Progress
from jobs.spec import Order
from jobs.stages.train import TRAIN
from jobs.state import AttemptState, JobState, SweepState
from jobs.store import STALE_SECONDS, AlreadyTaken
from tests.cluster.dictated import TRAINED, World, shard
from tests.cluster.orders import EVAL, Orders


def test_a_result_is_in_the_store_with_its_price_before_anybody_hears_of_it(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    assert world.job(key).state == JobState.RUNNING
    [task] = world.executor.tasks.values()
    assert task.slots == (0, 1)
    assert task.workdir.is_relative_to(world.home.root.resolve())
    world.now += 10
    world.step(Progress(fraction=0.5, note="half"))
    assert (world.job(key).fraction, world.job(key).note) == (0.5, "half")
    world.step(TRAINED)
    job = world.job(key)
    assert job.state == JobState.DONE
    assert job.outputs is not None
    assert world.files.get(job.outputs["weights"]) == b"w"
    [attempt] = world.store.attempts(key)
    assert (attempt.state, attempt.peak_bytes) == (AttemptState.DONE, 7)
    assert attempt.cost == pytest.approx(2 * 10 * 3.6 / 3600)
    assert attempt.versions["torch"]


def test_a_lost_job_is_tried_again_and_nobody_is_blamed(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    for _ in range(MAX_FAILURES + 2):
        world.step()
        world.step(Failed(failure=Failure.LOST, reason="node gone"))
    assert (world.job(key).state, world.job(key).failures) == (JobState.QUEUED, 0)
    world.step()
    world.step(TRAINED)
    assert world.job(key).state == JobState.DONE


def test_a_crash_is_retried_up_to_a_bound_with_its_last_words_kept(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    for number in range(MAX_FAILURES):
        assert world.job(key).state == JobState.QUEUED
        world.step()
        world.step(Failed(failure=Failure.CRASH, reason="exit 1", log=f"line {number}"))
    assert world.job(key).state == JobState.FAILED
    assert world.job(key).reason == "crash: exit 1"
    assert [attempt.log for attempt in world.store.attempts(key)] == [f"line {n}" for n in range(MAX_FAILURES)]
    world.step()
    assert len(world.executor.tasks) == MAX_FAILURES


@pytest.mark.parametrize("failure", [Failure.BAD_CONFIGURATION, Failure.OVER_TIME, Failure.TOO_LARGE])
def test_what_would_fail_again_is_not_tried_again(world: World, orders: Orders, failure: Failure) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(Failed(failure=failure, reason="x"))
    assert world.job(key).state == JobState.FAILED


def test_silence_is_a_hang_and_a_worker_that_never_begins_is_the_nodes_fault(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.now += START_SECONDS + 1
    world.step()
    assert world.store.attempts(key)[0].failure == Failure.UNFIT
    world.now += FIRST_SECONDS
    world.step()
    world.step(Progress(fraction=0.1, note="step 1"))
    world.now += TRAIN.silence_seconds - 1
    world.step()
    assert world.job(key).state == JobState.RUNNING
    world.now += 2
    world.step()
    [_, attempt, *_] = world.store.attempts(key)
    assert (attempt.failure, attempt.reason) == ("hang", "hang: no message from its worker for 300 s")
    assert len(world.executor.cancelled) == 2


def test_a_clock_that_is_set_ends_nothing_and_hides_nothing(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(Progress(fraction=0.1, note="step 1"))
    world.executor.alive = [replace(world.executor.alive[0], slots=3)]  # there is room for more
    for world.ahead in (1e5, -1e5):
        world.now += LOOK_SECONDS
        world.step()
        assert (world.job(key).state, world.job(key).attempt) == (JobState.RUNNING, 1)
    world.store.cancel_jobs("tiny", [key])
    world.now += LOOK_SECONDS
    world.step()
    assert world.executor.cancelled == list(world.executor.tasks)
    waiting = world.put(orders.train(seed=2))
    world.now += LOOK_SECONDS
    world.step()
    world.now += 7
    world.ahead = 1e5
    world.step(TRAINED)
    assert world.job(waiting).seconds == 7
    [ended] = world.store.attempts(waiting)
    assert (ended.seconds, ended.cost) == (7.0, pytest.approx(2 * 7 * 3.6 / 3600))


def test_jobs_of_another_class_of_machine_are_left_alone(world: World, orders: Orders) -> None:
    order = orders.train()
    h200 = replace(order.job.machine, device="cuda H200")
    key = world.put(replace(order, job=replace(order.job, machine=h200)))
    world.step()
    assert world.job(key).claimed_by is None
    world.executor.alive.append(Node(name="big", host="h", slots=2, machine=replace(h200, processes=1)))
    world.step()
    assert [task.node for task in world.executor.tasks.values()] == ["big"]


def test_a_cancelled_job_is_let_go_only_when_its_tasks_are_ended(world: World, orders: Orders) -> None:
    running, waiting = world.put(orders.train(seed=1)), world.put(orders.train(seed=2))
    world.step()
    assert list(world.store.cancel_jobs("tiny", [running, waiting])) == [running, waiting]
    assert world.store.still_ending([running, waiting]) == [running, waiting]
    world.now += LOOK_SECONDS
    world.step()
    assert world.executor.cancelled == list(world.executor.tasks)
    assert world.store.still_ending([running, waiting]) == []
    world.step()
    assert len(world.executor.tasks) == 1


def test_what_a_stopped_sweep_had_is_ended_and_kept_for_its_next_run(world: World, orders: Orders) -> None:
    running, waiting = world.put(orders.train(seed=1)), world.put(orders.train(seed=2))
    world.step()
    world.step(Checkpoint(content=b"step 3"))
    world.store.end_sweep("tiny", SweepState.STOPPED, "interrupted")
    world.now += LOOK_SECONDS
    world.step()
    assert world.executor.cancelled == list(world.executor.tasks)
    for key in (running, waiting):
        job = world.job(key)
        assert (job.state, job.claimed_by, job.failures, job.reason) == (JobState.QUEUED, None, 0, None)
    world.now += LOOK_SECONDS
    world.step()
    assert len(world.executor.tasks) == 1
    world.budget(Budget())
    world.step()
    assert list(world.executor.tasks.values())[-1].inputs["checkpoint"] == b"step 3"


def test_what_was_claimed_for_a_sweep_that_has_just_stopped_does_not_start(world: World, orders: Orders) -> None:
    world.put(orders.train(seed=1))
    waiting = world.put(replace(orders.train(seed=2), slots=1))
    world.step()
    assert world.job(waiting).claimed_by == world.scheduler.name, "claimed ahead"
    world.step(TRAINED)
    world.store.end_sweep("tiny", SweepState.STOPPED, "interrupted")
    world.step()
    assert len(world.executor.tasks) == 1
    assert (world.job(waiting).state, world.job(waiting).claimed_by) == (JobState.QUEUED, None)


def test_nothing_starts_beyond_the_budget_and_the_sweep_says_so_once_all_is_settled(
    world: World, orders: Orders
) -> None:
    world.budget(Budget(gpu_hours=1.0))
    keys = [world.put(orders.train(seed=seed)) for seed in (1, 2)]
    world.executor.alive = [replace(world.executor.alive[0], slots=4)]
    world.step()
    assert len(world.executor.tasks) == 1, "nothing is known of such a job: it has all of the budget"
    world.step()
    assert world.sweep().state == SweepState.RUNNING
    world.now += 700
    world.step(TRAINED)
    world.step()
    assert world.job(keys[1]).state == JobState.RUNNING, "twice 700 s on two slots fit into the hour"
    world.put(orders.train(seed=3))
    world.step()
    world.now += 700
    world.step(TRAINED)
    world.step()
    assert world.sweep().state == SweepState.OVER_BUDGET
    assert "budget.gpu_hours = 1" in (world.sweep().reason or "")
    world.budget(Budget(gpu_hours=2.0))
    world.step()
    assert len(world.executor.tasks) == 3


def test_what_outgrows_the_budget_in_spite_of_all_is_ended_and_its_work_kept(world: World, orders: Orders) -> None:
    world.budget(Budget(gpu_hours=1.0))
    key = world.put(orders.train())
    world.step()
    world.now += 100
    world.step(Checkpoint(content=b"step 3"), Progress(fraction=0.01, note="slow"))
    world.now += 3600
    world.step(Progress(fraction=0.5, note="slow"))
    world.now += BEAT_SECONDS
    world.step()
    assert world.executor.cancelled == list(world.executor.tasks)
    assert world.sweep().state == SweepState.OVER_BUDGET
    job = world.job(key)
    assert (job.state, job.failures, job.checkpoint is not None) == (JobState.QUEUED, 0, True)


def test_a_jobs_own_pace_frees_what_was_set_aside_for_it(world: World, orders: Orders) -> None:
    world.budget(Budget(gpu_hours=10.0))
    world.put(orders.train())
    world.step()
    assert world.store.account("tiny").reserved == 10.0
    world.now += 200
    world.step(Progress(fraction=0.5, note="half"))
    assert world.store.account("tiny").reserved == pytest.approx(2 * 400 * 1.2 / 3600)


def test_a_hung_job_that_was_just_cancelled_is_let_go_of(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(Progress(fraction=0.1, note=""))
    world.scheduler._looked = world.now + TRAIN.silence_seconds + 5  # it has not looked for cancelled jobs yet
    world.store.cancel_jobs("tiny", [key])
    world.now += TRAIN.silence_seconds + 1
    world.step()
    assert world.job(key).state == JobState.CANCELLED
    assert world.executor.cancelled


def test_a_job_that_is_asked_for_again_before_its_end_was_seen_runs_once(world: World, orders: Orders) -> None:
    order = orders.quantize(world.files.put(b"weights"))
    key = world.put(order)
    world.step()
    world.store.cancel_jobs("tiny", [key])
    world.put(order)
    world.step()
    world.step()
    assert world.open() == {f"{key}/2/0"}
    assert f"{key}/1/0" in world.executor.cancelled


def test_a_scheduler_that_was_given_up_for_dead_ends_what_it_runs_and_writes_nothing(
    world: World, orders: Orders
) -> None:
    key = world.put(orders.train())
    world.step()
    world.now += STALE_SECONDS + 1
    other = world.new_scheduler()
    other.step(0.0)
    with pytest.raises(AlreadyTaken):
        world.step()
    world.scheduler.abandon()
    assert world.executor.cancelled == list(world.executor.tasks)[:1]
    assert (world.job(key).state, world.job(key).claimed_by) == (JobState.RUNNING, other.name)


def test_a_training_goes_on_from_its_last_checkpoint(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(Checkpoint(content=b"step 3"), Failed(failure=Failure.LOST, reason="x"))
    world.step()
    assert list(world.executor.tasks.values())[-1].inputs["checkpoint"] == b"step 3"
    world.step(TRAINED)
    assert world.job(key).checkpoint is None


def test_of_a_trainings_checkpoints_only_the_last_is_kept_and_none_once_it_is_done(
    world: World, orders: Orders
) -> None:
    world.put(orders.train())
    world.step()
    world.step(Checkpoint(content=b"step 3"), Checkpoint(content=b"step 6"))
    assert contents(world) == {b"step 6"}
    world.step(Failed(failure=Failure.LOST, reason="x"))
    world.step()
    world.step(Checkpoint(content=b"step 9"))
    assert contents(world) == {b"step 9"}
    world.step(TRAINED)
    assert contents(world) == {b"w"}


def contents(world: World) -> set[bytes]:
    """Everything in the file store."""
    return {path.read_bytes() for path in world.home.files.rglob("*") if path.is_file()}


def test_workers_share_the_shards_and_the_slowest_is_its_clock(world: World, evaluation: Order) -> None:
    key = world.put(evaluation)
    world.step()
    first, second = world.executor.tasks.values()
    assert [(task.slots, task.shards) for task in (first, second)] == [((0,), (0, 2)), ((1,), (1, 3))]
    world.executor.tell(shard(0), shard(2), Finished(outputs={"clocks": {"eval_seconds": 1.0}}), task=first.id)
    world.step()
    assert world.job(key).state == JobState.RUNNING
    world.executor.tell(shard(1), shard(3), Finished(outputs={"clocks": {"eval_seconds": 5.0}}), task=second.id)
    world.step()
    outputs = world.job(key).outputs
    assert outputs is not None
    assert outputs["clocks"] == {"eval_seconds": 5.0}
    assert (outputs["documents"], outputs["nll"], outputs["bytes"]) == (4, 4.0, 12)


def test_after_a_death_only_unfinished_shards_are_scored(world: World, evaluation: Order) -> None:
    key = world.put(evaluation)
    world.step()
    first, second = world.executor.tasks
    world.executor.tell(shard(0), task=first)
    world.executor.tell(shard(1), Failed(failure=Failure.LOST, reason="x"), task=second)
    world.step()
    assert first in world.executor.cancelled
    world.step()
    second_try = list(world.executor.tasks.values())[2:]
    assert [task.shards for task in second_try] == [(2,), (3,)]
    for task, index in zip(second_try, (2, 3), strict=True):
        world.executor.tell(shard(index), Finished(outputs={"clocks": {"eval_seconds": 1.0}}), task=task.id)
    world.step()
    assert world.job(key).state == JobState.DONE


def test_the_whole_validation_set_is_scored_in_one_go(world: World, evaluation: Order, orders: Orders) -> None:
    whole = orders.evaluate(evaluation.job.inputs["artifact"], EVAL, split="val")
    world.put(whole)
    world.step()
    first, second = world.executor.tasks
    world.executor.tell(shard(0), task=first)
    world.executor.tell(Failed(failure=Failure.LOST, reason="x"), task=second)
    world.step()
    world.step()
    second_try = list(world.executor.tasks.values())[2:]
    assert sorted(index for task in second_try for index in task.shards) == [0, 1, 2, 3]


def test_an_input_that_is_gone_fails_before_anything_runs(world: World, orders: Orders) -> None:
    key = world.put(orders.quantize("9" * 64))
    world.step()
    assert world.executor.tasks == {}
    assert world.job(key).state == JobState.FAILED
    assert "is not in it" in (world.job(key).reason or "")


def test_what_a_job_prints_is_in_the_store_while_it_runs_and_when_nobody_is_left_to_say(
    world: World, orders: Orders
) -> None:
    key = world.put(orders.train())
    world.step()
    world.now += 1
    world.step(Progress(fraction=0.1, note="step 1", log="first"))
    world.now += 1
    world.step(Progress(fraction=0.2, note="step 2"))
    assert [attempt.log for attempt in world.store.attempts(key)] == ["first"]
    # Too soon after the last to be written, but not to be remembered.
    world.step(Progress(fraction=0.3, note="step 3", log="second"))
    world.step(Failed(failure=Failure.LOST, reason="its node is gone"))
    first, *_ = world.store.attempts(key)
    assert first.log == "second"


def test_a_job_that_another_version_ordered_is_refused_before_anything_runs(world: World, orders: Orders) -> None:
    order = orders.train()
    key = world.put(replace(order, job=replace(order.job, arithmetic=order.job.arithmetic + 1)))
    world.step()
    assert world.executor.tasks == {}
    assert world.job(key).state == JobState.FAILED
    assert "ordered by another version of golfsweep (train arithmetic 2; here it is 1)" in (world.job(key).reason or "")


def test_stopping_gives_every_job_back_at_once(world: World, orders: Orders) -> None:
    running, waiting = world.put(orders.train(seed=1)), world.put(orders.train(seed=2))
    world.step()
    world.scheduler.stop()
    assert world.executor.cancelled == list(world.executor.tasks)
    assert {world.job(key).state for key in (running, waiting)} == {JobState.QUEUED}
    assert world.job(running).failures == 0
    world.scheduler = world.new_scheduler()
    world.step()
    assert world.job(running).state == JobState.RUNNING


def test_events_of_a_task_that_was_given_up_are_not_written(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    [old] = world.executor.tasks
    world.step(Failed(failure=Failure.LOST, reason="x"))
    world.step()
    world.executor.tell(TRAINED, task=old)
    world.step()
    assert world.job(key).state == JobState.RUNNING


def test_a_job_that_another_scheduler_took_over_is_dropped(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.store.release([key])
    world.store.beat("another", "another cluster")
    [taken] = world.store.claim("another", 1)
    world.step(Progress(fraction=0.9, note="late"))
    assert len(world.executor.cancelled) == 1
    assert world.job(taken.key).fraction == 0.0


def test_wide_orders_do_not_start_on_fewer_slots(world: World, orders: Orders) -> None:
    key = world.put(replace(orders.train(), slots=3))
    world.step()
    assert world.executor.tasks == {}
    assert world.job(key).state == JobState.QUEUED
