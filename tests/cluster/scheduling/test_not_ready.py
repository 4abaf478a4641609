"""Jobs whose data are not on this cluster: others may have them, and get them."""

import pytest

from cluster.scheduling.journal import NOT_READY_SECONDS
from jobs.errors import NotReady
from jobs.events import Failed, Failure
from jobs.stages.evaluate import Evaluate
from jobs.state import JobState
from tests.cluster.dictated import TRAINED, World
from tests.cluster.orders import Orders

LACKS = Failed(failure=Failure.NOT_READY, reason="/data: no *_train_*.bin in it")


def test_another_cluster_gets_what_none_of_our_nodes_can_run(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    for _ in range(4):  # the job does not fail for what is missing here alone, however often
        world.store.acting_as("other").beat("other scheduler", "other cluster", 2, 2)
        world.step(LACKS)
        job = world.job(key)
        assert (job.state, job.claimed_by, job.failures) == (JobState.QUEUED, None, 0)
        assert "no *_train_*.bin" in (job.reason or "")
        world.now += NOT_READY_SECONDS / 2
        world.store.acting_as("other").beat("other scheduler", "other cluster", 2, 2)
        world.step()
        assert world.job(key).claimed_by is None, "it is left to others for a while"
        [taken] = world.store.claim("other scheduler", 1)
        assert taken.key == key
        world.store.release([key], scheduler="other scheduler")
        world.now += NOT_READY_SECONDS / 2
        world.store.acting_as("other").beat("other scheduler", "other cluster", 2, 2)
        world.step()
        assert world.job(key).state == JobState.RUNNING, "somebody may have copied the data meanwhile"
    world.step(TRAINED)
    assert world.job(key).state == JobState.DONE


def test_the_only_cluster_says_so_at_once(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(LACKS)
    world.step()
    assert len(world.store.attempts(key)) == 1, "the node was asked, and has not changed since"
    assert world.job(key).state == JobState.FAILED


def test_data_that_the_scheduler_lacks_itself_are_nobodys_mistake(
    world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the documents of an evaluation to cut them."""

    def lacks(*_: object) -> int:
        raise NotReady("/data: no *_val_*.bin in it")

    monkeypatch.setattr(Evaluate, "count_shards", lacks)
    world.store.acting_as("other").beat("other scheduler", "other cluster", 2, 2)
    key = world.put(orders.evaluate(world.files.put(b"artifact")))
    world.step()
    assert (world.job(key).state, world.job(key).failures) == (JobState.QUEUED, 0)
    [attempt] = world.store.attempts(key)
    assert attempt.failure == Failure.NOT_READY
