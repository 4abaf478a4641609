"""Where retried jobs and unlike machines go."""

from dataclasses import replace

from cluster.executor import Node
from cluster.policy.fairness import Usage
from cluster.policy.policy import Placement
from cluster.scheduling.placing import choose
from cluster.scheduling.state.warm import Warm
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
    return {one.key: one.node for one in chosen(jobs, nodes, taken, named)}


def chosen(
    jobs: list[JobRecord],
    nodes: list[Node],
    taken: set[tuple[str, int]],
    avoid: dict[str, set[str]],
    warm: Warm | None = None,
) -> list[Placement]:
    return choose(
        jobs,
        nodes,
        dict.fromkeys(taken),
        warm or Warm(),
        avoid,
        0.0,
        epoch=0.0,
        usage=Usage(),
        seconds=lambda order: None,
    )


def test_classes_of_machines_do_not_mix() -> None:
    h200 = replace(MACHINE, device="h200")
    found = where(
        [job(1), job(2, machine=h200), job(3, machine=replace(MACHINE, torch="2.14"))],
        [node("a"), node("b", h200)],
        set(),
    )
    assert found == {"1": "a", "2": "b"}


def test_a_retried_job_goes_elsewhere_unless_there_is_no_elsewhere() -> None:
    assert where([job(1)], [node("a"), node("b")], set(), job1={"a"}) == {"1": "b"}
    assert where([job(1)], [node("a")], set(), job1={"a"}) == {"1": "a"}
    assert where([job(1, 8)], [node("a"), node("small", slots=4)], set(), job1={"a"}) == {"1": "a"}


def test_a_retried_gang_that_has_to_wait_is_not_starved_by_evaluations() -> None:
    busy = {("b", 0)}
    found = where([job(1, 8), *(job(seed) for seed in range(2, 12))], [node("a"), node("b")], busy, job1={"a"})
    assert set(found.values()) == {"a"}
    assert len(found) == 8


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
    slots = [slot for one in placements for slot in one.slots]
    assert sorted(slots) == [1, 2, 3]


def test_an_evaluation_goes_where_its_artifact_is_loaded_while_that_process_lives() -> None:
    warm, nodes = Warm(), [node("a"), node("b")]

    def slot_of(artifact: str) -> tuple[str, tuple[int, ...]]:
        [one] = chosen([job(1, artifact=artifact)], nodes, set(), {}, warm)
        return one.node, one.slots

    for slot, artifacts in ((5, "xyz"), (2, "vwstuy")):
        for artifact in artifacts:
            warm.begin(job(9, artifact=artifact).order.job, Placement(key="9", node="b", slots=(slot,)))
    assert slot_of("x") == ("b", (5,))
    assert slot_of("t") == ("b", (2,))
    assert slot_of("v") == ("a", (0,))  # an evaluator keeps four
    warm.begin(job(8, 2).order.job, Placement(key="8", node="b", slots=(4, 5)))
    assert slot_of("x") == ("a", (0,))
    warm.end(Placement(key="9", node="b", slots=(2,)))
    assert slot_of("t") == ("a", (0,))
