"""The policy of a live cluster: machine classes, retried jobs, loaded artifacts, and what persists between steps."""

from dataclasses import replace

import pytest

from cluster.executor import Node
from cluster.policy.policy import Placement
from cluster.scheduling.state.placing import Placing, _since
from jobs.spec import Job, Machine, Order
from jobs.state import JobState
from jobs.store import JobRecord

MACHINE = Machine(device="h100", dtype="bfloat16", torch="2.13", attention="sdpa", processes=1, threads=1)


def job(seed: int, slots: int = 1, machine: Machine = MACHINE, **inputs: str) -> JobRecord:
    spec = Job(
        stage="train" if slots > 1 else "eval", settings={}, inputs=inputs, seed=seed, arithmetic=1,
        machine=replace(machine, processes=slots),
    )  # fmt: skip
    order = Order(job=spec, sweep="s", label=str(seed), slots=slots)
    return JobRecord(
        key=f"{seed}", order=order, state=JobState.QUEUED, created=0.0, failures=0, claimed_by=None, attempt=0,
        fraction=0.0, note="", checkpoint=None, outputs=None, reason=None, finished=None, seconds=None,
    )  # fmt: skip


def node(name: str, machine: Machine = MACHINE, slots: int = 8) -> Node:
    return Node(name=name, host=name, slots=slots, machine=machine)


def where(jobs: list[JobRecord], nodes: list[Node], taken: set[tuple[str, int]], **avoid: set[str]) -> dict[str, str]:
    """Node by key of what starts."""
    named = {key.removeprefix("job"): value for key, value in avoid.items()}
    return {placement.key: placement.node for placement in chosen(jobs, nodes, taken, named)}


def chosen(
    jobs: list[JobRecord], nodes: list[Node], taken: set[tuple[str, int]], avoid: dict[str, set[str]]
) -> list[Placement]:
    """The first decision on a cluster of which somebody else uses some slots."""
    placing = Placing()
    placing.see_nodes(nodes)
    for name, slot in taken:
        placing.rest_slots(Placement(key="", node=name, slots=(slot,)), 0.0)
    return decide(placing, jobs, avoid)


def decide(placing: Placing, jobs: list[JobRecord], avoid: dict[str, set[str]] | None = None) -> list[Placement]:
    placing.see_jobs(jobs, avoid or {}, 0.0, (0.0, 0.0), lambda order: None)
    return placing.decide(0.0)


def test_classes_of_machines_do_not_mix() -> None:
    h200 = replace(MACHINE, device="h200")
    nodes = where(
        [job(1), job(2, machine=h200), job(3, machine=replace(MACHINE, torch="2.14"))],
        [node("a"), node("b", h200)],
        set(),
    )
    assert nodes == {"1": "a", "2": "b"}


def test_a_retried_job_goes_elsewhere_unless_there_is_no_elsewhere() -> None:
    assert where([job(1)], [node("a"), node("b")], set(), job1={"a"}) == {"1": "b"}
    assert where([job(1)], [node("a")], set(), job1={"a"}) == {"1": "a"}
    assert where([job(1, 8)], [node("a"), node("small", slots=4)], set(), job1={"a"}) == {"1": "a"}


def test_a_retried_gang_that_has_to_wait_is_not_starved_by_evaluations() -> None:
    busy = {("b", 0)}
    placed_on = where([job(1, 8), *(job(seed) for seed in range(2, 12))], [node("a"), node("b")], busy, job1={"a"})
    assert set(placed_on.values()) == {"a"}
    assert len(placed_on) == 8


def test_a_retried_job_does_not_go_before_what_is_more_urgent() -> None:
    urgent = job(2, 8)
    urgent = replace(urgent, order=replace(urgent.order, priority=2))
    assert where([job(1, 8), urgent], [node("a"), node("b")], {("a", 0)}, job1={"a"}) == {"2": "b"}
    assert where([job(1, 8), job(2, 8)], [node("a"), node("b")], {("a", 0)}, job1={"a"}) == {"1": "b"}


def test_what_is_avoided_costs_nobody_else_his_place() -> None:
    jobs = [job(1), job(2), job(3)]
    assert where(jobs, [node("a", slots=2), node("b", slots=3)], set(), job1={"a"}) == {"1": "b", "2": "a", "3": "a"}


def test_nothing_is_placed_twice() -> None:
    jobs = [job(seed) for seed in range(6)]
    placements = chosen(jobs, [node("a", slots=4)], {("a", 0)}, {"1": {"b"}, "2": {"a"}})
    slots = [slot for placement in placements for slot in placement.slots]
    assert sorted(slots) == [1, 2, 3]


def test_an_evaluation_goes_where_its_artifact_is_loaded_while_that_process_lives() -> None:
    placing, a, b = Placing(), node("a"), node("b")

    def run(placement: Placement, processes_live: bool = True) -> tuple[str, tuple[int, ...]]:
        """End a job that was placed; returns where it ran."""
        placing.ended(placement.key, 0.0, processes_live=processes_live)
        return placement.node, placement.slots

    def place(artifact: str) -> Placement:
        [placement] = decide(placing, [job(1, artifact=artifact)])
        return placement

    placing.see_nodes([b])
    others = decide(placing, [job(2), job(3)])
    for artifact in "vwxyz":
        assert run(place(artifact)) == ("b", (2,))
    for other in others:
        run(other)
    placing.see_nodes([a, b])
    assert run(place("x")) == ("b", (2,))
    assert run(place("v")) == ("a", (0,)), "a worker keeps four"
    assert run(place("w"), processes_live=False) == ("b", (2,))
    assert run(place("x")) == ("a", (0,)), "the worker was ended"


def test_a_gang_ends_the_workers_of_its_slots() -> None:
    placing = Placing()
    placing.see_nodes([node("a", slots=2)])
    first, second = decide(placing, [job(1, artifact="x"), job(2, artifact="y")])
    for placement in (first, second):
        placing.ended(placement.key, 0.0, processes_live=True)
    [third] = decide(placing, [job(3, artifact="y")])
    assert third.slots == second.slots
    placing.ended(third.key, 0.0, processes_live=True)
    [gang] = decide(placing, [job(4, 2)])
    placing.ended(gang.key, 0.0, processes_live=True)
    [cold] = decide(placing, [job(5, artifact="y")])
    assert cold.slots == (0,)


def test_what_is_known_of_a_cluster_persists_while_nodes_come_and_go() -> None:
    placing, a = Placing(), node("a", slots=2)
    placing.see_nodes([a])
    [first] = decide(placing, [job(1)])
    placing.see_nodes([])  # quarantined, say, while the job still runs there
    assert decide(placing, [job(2)]) == []
    placing.see_nodes([a])
    [second] = decide(placing, [job(2)])
    assert {*first.slots, *second.slots} == {0, 1}
    placing.see_nodes([node("a", slots=4)])
    assert [placement.slots for placement in decide(placing, [job(seed) for seed in (3, 4, 5)])] == [(2,), (3,)]


def test_a_placement_that_was_not_carried_out_is_undone() -> None:
    placing = Placing()
    placing.see_nodes([node("a", slots=2)])
    placements = decide(placing, [job(1), job(2)])
    placing.retract(placements, started={"1"}, now=0.0)
    assert [(placement.key, placement.slots) for placement in decide(placing, [job(2), job(3)])] == [("2", (1,))]


@pytest.mark.parametrize("step", [7200.0, -7200.0])
def test_a_wall_clock_that_is_set_makes_no_job_older_or_younger(step: float) -> None:
    """The policy's clock shows 100; the wall clock was 1000 ahead of it at first, and by a step more or less now."""
    epochs = (1000.0, 1000.0 + step)
    before, after = replace(job(1), created=1000.0 + 40.0), replace(job(2), created=1000.0 + step + 60.0)
    foreign = replace(job(3), created=1000.0 + 2e4)  # of a machine whose clock is far ahead
    assert [_since(made, 100.0, epochs) for made in (before, after, foreign)] == [40.0, 60.0, 100.0]
