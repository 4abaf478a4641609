"""What a scheduler holds: nothing that it cannot start soon, and nothing worse than what waits in the store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.policy.policy import FreeSlots
from cluster.scheduling.claiming import CLAIMED_AHEAD, ClaimTarget, claim_targets
from cluster.scheduling.scheduler import LOOK_SECONDS
from jobs.events import Failed, Failure, Finished
from jobs.spec import Order
from tests.cluster.dictated import Dictated, World
from tests.cluster.orders import Orders

TRAINED = Finished(outputs={"steps": 1}, files={"weights": b"w"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def put(world: World, orders: Orders) -> "Put":
    return Put(world, orders)


class Put:
    """Writes trainings down, each under its own label."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world, self._orders = world, orders

    def __call__(self, label: str, slots: int, priority: int = 0, sweep: str = "tiny") -> str:
        order: Order = self._orders.train(seed=len(self._world.store.jobs()))
        return self._world.put(replace(order, label=label, slots=slots, priority=priority, sweep=sweep))


def cluster(world: World, *slots: int) -> None:
    """Give the world's cluster other nodes."""
    world.executor.alive = Dictated(*slots).alive


def look(world: World) -> None:
    """Let the next step look at the store afresh."""
    world.now += LOOK_SECONDS
    world.step()


def node(free: int, capacity: int) -> FreeSlots:
    return FreeSlots(node=f"{free} of {capacity}", capacity=capacity, slots=tuple(range(free)))


def test_claims_cover_what_nodes_with_a_free_slot_can_run_and_nothing_for_full_ones() -> None:
    assert list(claim_targets("k", [node(0, 8), node(0, 1)])) == []
    assert list(claim_targets("k", [node(0, 8), node(1, 1)])) == [
        ClaimTarget(slot_class="k", widths=(1, 1), wanted=1, ahead=CLAIMED_AHEAD)
    ]
    assert list(claim_targets("k", [node(3, 8), node(0, 8), node(4, 4), node(1, 1)])) == [
        ClaimTarget(slot_class="k", widths=(2, 8), wanted=12, ahead=8),
        ClaimTarget(slot_class="k", widths=(1, 1), wanted=8, ahead=CLAIMED_AHEAD),
    ]


def test_a_small_machine_leaves_gangs_to_those_that_can_run_them(world: World, put: Put) -> None:
    for number in range(3):
        put(f"gang {number}", 8)
    cluster(world, 1)
    world.step()
    large = Dictated(8, cluster="large")
    world.new_scheduler(large).step(0.0)
    assert large.started() == ["gang 0"]


def test_a_full_cluster_holds_nothing_that_another_could_run(world: World, put: Put) -> None:
    cluster(world, 8, 8)
    for number in range(4):
        put(f"gang {number}", 8)
    for number in range(4):
        put(f"single {number}", 1)
    world.step()
    look(world)
    other = Dictated(8, 8, 4, cluster="other")
    world.new_scheduler(other).step(0.0)
    assert world.executor.started() == ["gang 0", "gang 1"]
    assert sorted(other.started()) == ["gang 2", "gang 3", *(f"single {number}" for number in range(4))]


@pytest.mark.parametrize("slots", [8, 1])
def test_a_better_job_that_comes_later_goes_before_those_that_were_claimed(world: World, put: Put, slots: int) -> None:
    cluster(world, slots)
    for number in range(8):
        put(f"low {number}", slots)
    world.step()
    put("high", slots, priority=10)
    world.executor.end("low 0", TRAINED)
    look(world)
    look(world)
    assert world.executor.started() == ["low 0", "high"]


def test_a_sweep_that_comes_later_has_its_turn_although_all_slots_were_claimed_ahead(world: World, put: Put) -> None:
    cluster(world, 1)
    for number in range(8):
        put(f"ours {number}", 1)
    world.step()
    world.store.put_sweep("late", {})
    put("theirs", 1, sweep="late")
    world.executor.end("ours 0", TRAINED)
    look(world)
    look(world)
    assert world.executor.started() == ["ours 0", "theirs"]


def test_a_gang_is_held_while_a_node_is_drained_for_it(world: World, put: Put) -> None:
    cluster(world, 2)
    for number in range(2):
        put(f"single {number}", 1)
    world.step()
    put("gang", 2)
    for number in range(2, 6):
        put(f"single {number}", 1)
    world.now += 100  # as long as the others take, then: too long for the time that the node is drained
    world.executor.end("single 0", TRAINED)
    for _ in range(3):
        look(world)
    assert world.executor.started() == ["single 0", "single 1"]
    world.executor.end("single 1", TRAINED)
    look(world)
    look(world)
    assert world.executor.started() == ["single 0", "single 1", "gang"]


def test_what_is_given_back_waits_for_its_turn_with_the_nodes_that_it_avoids(world: World, put: Put) -> None:
    cluster(world, 2, 2)
    put("low", 2)
    world.step()
    world.executor.end("low", Failed(failure=Failure.HANG, reason="no step"))
    for number in range(3):
        put(f"high {number}", 2, priority=1)
    look(world)
    look(world)
    assert world.executor.started() == ["low", "high 0", "high 1"], "although it was claimed before"
    world.executor.end("high 0", TRAINED)
    look(world)
    look(world)
    assert world.executor.started()[3:] == ["high 2"]
    for label in ("high 1", "high 2"):
        world.executor.end(label, TRAINED)
    look(world)
    look(world)
    assert [task.node for task in world.executor.tasks.values() if task.order.label == "low"] == ["n0", "n1"]
