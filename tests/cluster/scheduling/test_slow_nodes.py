"""Nodes that serve worse than others: they take fewer steps with the same work, or lack what it needs."""

from dataclasses import replace

from jobs.events import Failed, Failure, Progress
from jobs.state import JobState
from tests.cluster.dictated import TRAINED, World
from tests.cluster.orders import Orders


def at_rate(rate: float) -> Progress:
    return Progress(fraction=0.1, note="step 200", steps_per_second=rate)


def test_a_slow_node_is_set_aside_before_its_seed_counts(world: World, orders: Orders) -> None:
    first = world.executor.alive[0]
    for seed in (1, 2):  # alone, a node is never slow
        world.put(orders.train(seed=seed))
        world.step()
        world.step(at_rate(10.0), TRAINED)
    world.executor.alive = [replace(first, name="slow"), replace(first, name="z")]
    key = world.put(orders.train(seed=3))
    world.step()
    assert list(world.executor.tasks.values())[-1].node == "slow"
    world.step(at_rate(8.5))
    (node,) = world.store.nodes("made up")
    assert (node.name, node.good) == ("slow", False)
    assert node.reason.startswith(
        "slow node: 8.5 steps/s, where equal jobs took 10 steps/s on other nodes; retried at "
    )
    world.step()
    attempts = [(attempt.node, attempt.failure) for attempt in world.store.attempts(key)]
    assert attempts == [("slow", Failure.UNFIT), ("z", None)]
    world.step(at_rate(9.8), TRAINED)
    assert world.job(key).outputs is not None


def test_jobs_with_other_settings_say_nothing_of_a_node(world: World, orders: Orders) -> None:
    first = world.executor.alive[0]
    for seed in (1, 2):
        world.put(orders.train(seed=seed))
        world.step()
        world.step(at_rate(10.0), TRAINED)
    world.executor.alive = [replace(first, name="other"), replace(first, name="z")]
    order = orders.train(seed=3)
    wider = replace(order, job=replace(order.job, settings={**order.job.settings, "wide": 2}))
    world.put(wider)
    world.step()
    world.step(at_rate(5.0))
    assert world.store.nodes("made up") == []


def test_the_last_node_stays(world: World, orders: Orders) -> None:
    first = world.executor.alive[0]
    for seed in (1, 2):
        world.put(orders.train(seed=seed))
        world.step()
        world.step(at_rate(10.0), TRAINED)
    world.executor.alive = [replace(first, name="slow")]
    key = world.put(orders.train(seed=3))
    world.step()
    world.step(at_rate(5.0))
    assert world.store.nodes("made up") == []
    assert [attempt.failure for attempt in world.store.attempts(key)] == [None]


def test_a_node_that_lacks_something_fails_no_job_that_another_node_can_run(world: World, orders: Orders) -> None:
    first = world.executor.alive[0]
    world.executor.alive = [replace(first, name="bare"), replace(first, name="z")]
    keys = [world.put(orders.train(seed=seed)) for seed in range(9)]
    answered = set[str]()
    for _ in range(30):
        world.step()
        for name in world.executor.tasks.keys() - answered:
            node = world.executor.tasks[name].node
            lacks = Failed(failure=Failure.NOT_READY, reason="no module zstandard")
            world.executor.tell(lacks if node == "bare" else TRAINED, task=name)
            answered.add(name)
    assert {world.job(key).state for key in keys} == {JobState.DONE}
    (node,) = world.store.nodes("made up")
    assert (node.name, node.good) == ("bare", False)


def test_a_job_that_few_nodes_can_run_reaches_one_and_fails_only_when_none_is_left_to_try(
    world: World, orders: Orders
) -> None:
    first = world.executor.alive[0]
    lacks = Failed(failure=Failure.NOT_READY, reason="torch 2.9, where the sweep's other jobs ran with 2.13")
    world.executor.alive = [replace(first, name=name) for name in ("a", "b", "c", "d", "e")]
    for fit, state in (("e", JobState.DONE), (None, JobState.FAILED)):
        key, nodes = world.put(orders.train(seed=len(world.executor.tasks))), list[str]()
        for _ in range(5):
            world.step()
            name = list(world.executor.tasks)[-1]
            nodes.append(world.executor.tasks[name].node)
            world.executor.tell(TRAINED if nodes[-1] == fit else lacks, task=name)
            world.step()
        assert (nodes, world.job(key).state) == (["a", "b", "c", "d", "e"], state)
