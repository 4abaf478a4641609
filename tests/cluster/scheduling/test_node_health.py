"""Nodes on which jobs fail, and slots that somebody else uses."""

from dataclasses import replace

import pytest

from cluster.policy.retry import MAX_LOST, NODE_STRIKES
from cluster.scheduling.node_health import QUARANTINE_SECONDS
from cluster.scheduling.scheduler import BEAT_SECONDS, LOOK_SECONDS
from cluster.scheduling.state.backoff import FIRST_SECONDS, LONGEST_SECONDS
from jobs.events import Event, Failed, Failure
from jobs.state import JobState
from jobs.store import NodeRecord
from tests.cluster.dictated import TRAINED, World
from tests.cluster.orders import Orders


def test_a_job_that_failed_by_its_nodes_fault_goes_to_another_one(world: World, orders: Orders) -> None:
    world.executor.alive = [replace(world.executor.alive[0], name=name) for name in ("a", "b")]
    key = world.put(orders.train())
    world.step()
    world.step(Failed(failure=Failure.HANG, reason="no step"))
    world.step()
    assert [task.node for task in world.executor.tasks.values()] == ["a", "b"]
    assert [(attempt.node, attempt.failure) for attempt in world.store.attempts(key)] == [("a", "hang"), ("b", None)]
    world.executor.alive.pop()
    world.step(Failed(failure=Failure.LOST, reason="node gone"))
    world.step()
    assert world.executor.tasks.popitem()[1].node == "a", "there is no other node left"


def test_a_node_on_which_job_after_job_hangs_is_quarantined_but_never_the_last(world: World, orders: Orders) -> None:
    first = world.executor.alive[0]
    for seed in range(NODE_STRIKES + 1):
        world.put(orders.train(seed=seed))
        world.step()
        world.step(Failed(failure=Failure.HANG, reason="no step"))
    assert world.store.nodes() == []
    world.executor.alive = [first, replace(first, name="z")]
    world.put(orders.train(seed=99))
    world.step()
    world.executor.tell(
        Failed(failure=Failure.HANG, reason="no step"),
        task=next(name for name, task in world.executor.tasks.items() if task.node == "n" and name in world.open()),
    )
    world.step()
    [node] = world.store.nodes("made up")
    assert (node.name, node.good) == ("n", False)
    assert "3 jobs in a row failed on it, the last: hang: no step; retried at 1970-01-01T00:26+00:00" in node.reason


def test_a_quarantined_node_gets_one_job_on_trial_and_is_good_again_or_quarantined_for_twice_as_long(
    world: World, orders: Orders
) -> None:
    def run(seed: int, event: Event) -> list[str]:
        """Two jobs of one slot and a slot free on "b"; returns where they ran, and ends what ran on "a"."""
        for number in range(2):
            world.put(replace(orders.train(seed=10 * seed + number), slots=1))
        world.now += BEAT_SECONDS
        world.step()
        began = {task: world.executor.tasks[task].node for task in world.open()}
        for task, node in began.items():
            world.executor.tell(event if node == "a" else TRAINED, task=task)
        world.step()
        return sorted(began.values())

    hang = Failed(failure=Failure.HANG, reason="no step")
    first = replace(world.executor.alive[0], slots=2)
    world.executor.alive = [replace(first, name="a"), replace(first, name="b", slots=1)]
    bad = NodeRecord(cluster="made up", name="a", host="h", good=False, reason="", checked=0.0, until=world.now + 600)
    world.store.put_node(bad)
    assert run(1, TRAINED) == ["b"]
    world.now += 600
    assert run(2, hang) == ["a", "b"], "and the second slot of a stays free"
    [record] = world.store.nodes()
    assert (record.good, record.until) == (False, world.now + 2 * (600 + 1000))
    assert run(3, TRAINED) == ["b"]
    world.now = record.until or 0.0
    assert run(4, TRAINED) == ["a", "b"]
    assert [node.good for node in world.store.nodes()] == [True]
    assert run(5, TRAINED) == ["a", "a", "b"]


def test_a_node_that_doctor_found_bad_gets_no_job(world: World, orders: Orders) -> None:
    world.store.put_node(NodeRecord(cluster="made up", name="n", host="h", good=False, reason="slow", checked=0.0))
    world.put(orders.train())
    world.now += 1e6
    world.step()
    assert world.executor.tasks == {}


def test_slots_in_use_back_off_ever_longer_and_no_job_fails_by_it(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    waited = []
    for _ in range(MAX_LOST + 5):
        before = world.now
        while not world.open():
            world.now += 5 if len(waited) < 4 else 60  # few steps of long pauses
            world.step()
        waited.append(world.now - before)
        world.step(Failed(failure=Failure.UNFIT, reason="a stranger"))
    assert waited[:4] == [5, FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waited[-1] == LONGEST_SECONDS
    assert (world.job(key).state, world.job(key).failures) == (JobState.QUEUED, 0)
    assert world.store.nodes() == []
    world.now += LONGEST_SECONDS
    world.step()
    world.step(TRAINED)
    world.put(orders.train(seed=2))
    world.step()
    world.step(Failed(failure=Failure.UNFIT, reason="another one"))
    world.now += FIRST_SECONDS
    world.step()
    assert len(world.open()) == 1, "it has been free in between"


def test_only_the_slots_in_use_back_off(world: World, orders: Orders) -> None:
    first = world.put(replace(orders.train(seed=1), slots=1))
    world.step()
    world.step(Failed(failure=Failure.UNFIT, reason="a stranger"))
    second = world.put(replace(orders.train(seed=2), slots=1))
    world.now += LOOK_SECONDS
    world.step()
    assert [task.slots for task in world.executor.tasks.values()] == [(0,), (1,)]
    assert {world.job(first).state, world.job(second).state} == {JobState.RUNNING, JobState.QUEUED}


@pytest.mark.parametrize("step", [1e5, -1e5])
def test_a_quarantine_lasts_as_long_as_it_was_meant_to_whoever_sets_the_clock(
    world: World, orders: Orders, step: float
) -> None:
    first = world.executor.alive[0]
    world.executor.alive = [first, replace(first, name="z")]
    checked = world.clock()
    until = checked + QUARANTINE_SECONDS
    world.store.put_node(
        NodeRecord(cluster="made up", name="n", host="h", good=False, reason="", checked=checked, until=until)
    )
    world.now += BEAT_SECONDS
    world.step()
    world.ahead = step
    for _ in range(3):
        world.now += QUARANTINE_SECONDS / 4
        world.step()
        assert [node.name for node in world.scheduler.usable()] == ["z"]
    world.now += QUARANTINE_SECONDS / 4
    world.step()
    assert [node.name for node in world.scheduler.usable()] == ["n", "z"]


def test_a_new_scheduler_waits_for_a_quarantine_no_longer_than_it_was_meant_to_last(world: World) -> None:
    first = world.executor.alive[0]
    checked = world.clock() + 1e5  # by a clock that was set back since
    world.executor.alive = [first, replace(first, name="z")]
    world.store.put_node(
        NodeRecord(
            cluster="made up", name="n", host="h", good=False, reason="", checked=checked,
            until=checked + QUARANTINE_SECONDS,
        )
    )  # fmt: skip
    world.now += BEAT_SECONDS
    world.step()
    world.now += QUARANTINE_SECONDS - 1
    world.step()
    assert [node.name for node in world.scheduler.usable()] == ["z"]
    world.now += 1
    world.step()
    assert [node.name for node in world.scheduler.usable()] == ["n", "z"]
