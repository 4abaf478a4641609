"""A scheduler whose database, disk or contents are away for a while, or for good."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from cluster.scheduling.scheduler import BEAT_SECONDS
from jobs.budget import Budget
from jobs.events import Checkpoint, Failed, Failure, Finished, Progress
from jobs.spec import Order
from jobs.state import AttemptState, JobState
from jobs.store import Store, StoreUnavailable
from jobs.store.work.losses import STARTS_OVER
from tests.cluster.dictated import TRAINED, World, shard
from tests.cluster.orders import Orders


def test_an_event_is_not_forgotten_while_the_database_is_away(
    world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.put(orders.train())
    world.step()

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "finish", away)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                world.step(*([TRAINED] if not _ else []))
    world.step()
    assert world.job(key).state == JobState.DONE


@contextmanager
def read_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a disk that was remounted read-only: SQLite itself refuses every write."""
    with monkeypatch.context() as patch:
        patch.setattr("jobs.database.engine.PRESENT", "mode=ro")
        store._engine.dispose()
        yield
    store._engine.dispose()


def test_what_runs_goes_on_in_an_outage_and_is_recorded_paid_and_blamed_on_nobody(
    world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database turns read-only; one job ends meanwhile, another goes on, and both are written when it is back."""
    world.budget(Budget(dollars_per_gpu_hour=3600.0))
    done, going_on = (world.put(replace(orders.train(seed=seed), slots=1)) for seed in (1, 2))
    world.step()
    by_key = {name.partition("/")[0]: name for name in world.executor.tasks}
    world.now += 20
    world.step()
    with read_only(world.store, monkeypatch):
        for _ in range(100):
            world.now += BEAT_SECONDS
            world.executor.tell(Progress(fraction=0.5, note="half", log="x" * 1000), task=by_key[going_on])
            if _ == 1:
                world.executor.tell(TRAINED, task=by_key[done])
            with pytest.raises(StoreUnavailable, match="readonly database"):
                world.step()
            assert world.executor.events == [], "no worker waits until it can be read"
        assert len(world.scheduler._unwritten._queue) == 2, "an outage fills no memory"
    world.step()
    assert {key: world.job(key).state for key in (done, going_on)} == {
        done: JobState.DONE, going_on: JobState.RUNNING
    }  # fmt: skip
    [attempt] = world.store.attempts(done)
    assert (attempt.seconds, attempt.cost) == (30.0, pytest.approx(30.0)), "what it ran, not the rest of the outage"
    assert world.job(done).seconds == 30.0
    [attempt] = world.store.attempts(going_on)
    assert (attempt.state, world.job(going_on).failures) == (AttemptState.RUNNING, 0)
    assert world.executor.cancelled == []


@pytest.mark.parametrize("what", ["start", "claim", "release"])
def test_what_is_claimed_and_out_of_sight_when_an_answer_is_lost_is_found_again(
    world: World, orders: Orders, evaluation: Order, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database has written it down, and its answer does not come."""
    world.put(evaluation if what == "start" else orders.train())
    store = world.store
    method = {"start": "shards", "claim": "claim", "release": "start_attempt"}[what]
    original = getattr(store, method)

    def answers_once_too_few(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(store, method, original)
        original(*given, **named)
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(store, method, answers_once_too_few)
    with pytest.raises(StoreUnavailable):
        world.step()
    for _ in range(3):
        world.step()
        world.now += 1.0
    [job] = store.jobs()
    assert job.state == JobState.RUNNING
    assert f"{job.key}/{job.attempt}/0" in world.executor.tasks
    assert [attempt.state for attempt in store.attempts(job.key)].count(AttemptState.RUNNING) == 1


def test_while_the_disk_is_full_nothing_is_forgotten_and_a_job_that_is_given_up_stays_to_be_done(
    world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28), "files")

    first, second = world.put(orders.train(seed=1)), world.put(orders.train(seed=2))
    world.step()
    with monkeypatch.context() as patch:
        patch.setattr(world.files._system, "open", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            world.step(Checkpoint(content=b"step 3"), TRAINED)
    world.step()
    assert world.job(first).state == JobState.DONE
    monkeypatch.setattr(world.files._system, "open", full)
    world.step()
    with pytest.raises(StoreUnavailable):
        world.step(TRAINED)
    world.scheduler.stop()
    assert world.job(second).state == JobState.QUEUED


def test_what_cannot_be_read_for_a_while_costs_no_attempt(
    world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.put(orders.quantize(world.files.put(b"weights")))

    def slow(*_: object, **__: object) -> None:
        raise OSError("503 Slow Down")

    with monkeypatch.context() as patch:
        patch.setattr(world.files._system, "cat_file", slow)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="503"):
                world.step()
    world.step()
    assert [attempt.state for attempt in world.store.attempts(key)] == [AttemptState.RUNNING]


def test_a_training_whose_checkpoint_is_damaged_starts_over(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(Checkpoint(content=b"step 3"), Failed(failure=Failure.LOST, reason="x"))
    [path] = [path for path in world.home.files.rglob("*") if path.is_file()]
    path.write_bytes(b"step")
    for _ in range(2):
        world.step()
    assert world.job(key).state == JobState.RUNNING
    assert "checkpoint" not in list(world.executor.tasks.values())[-1].inputs
    assert world.job(key).reason == STARTS_OVER
    assert len(world.store.attempts(key)) == 2


def test_weights_that_are_gone_are_trained_again_before_anything_reads_them(world: World, orders: Orders) -> None:
    trained = world.put(orders.train())
    world.step()
    world.step(TRAINED)
    weights = (world.job(trained).outputs or {})["weights"]
    world.files.delete(weights)
    packs = orders.quantize(weights)
    waiting = world.put(packs)
    for _ in range(2):
        world.step()
    assert [(job.key, job.state) for job in world.store.jobs()] == [(trained, JobState.RUNNING)]
    world.step(TRAINED)
    world.put(packs)  # as its driver does once the training is done
    world.step()
    assert world.job(waiting).state == JobState.RUNNING
    assert list(world.executor.tasks.values())[-1].inputs["weights"] == b"w"


def test_a_shard_that_is_gone_at_the_end_is_scored_again_and_no_other(world: World, evaluation: Order) -> None:
    key = world.put(evaluation)
    world.step()
    first, second = world.executor.tasks
    world.executor.tell(shard(0), shard(2), Finished(outputs={"clocks": {"eval_seconds": 1.0}}), task=first)
    world.step()
    world.files.delete(world.store.shards(key)[2])
    world.executor.tell(shard(1), shard(3), Finished(outputs={"clocks": {"eval_seconds": 1.0}}), task=second)
    world.step()
    assert (world.job(key).state, world.job(key).failures) == (JobState.QUEUED, 0)
    world.step()
    assert [task.shards for task in list(world.executor.tasks.values())[2:]] == [(2,)]
