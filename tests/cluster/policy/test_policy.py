"""The policy as properties over drawn queues and clusters, and its rules one by one."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cluster.policy.capacity import serves
from cluster.policy.draining import WIDE_SECONDS
from cluster.policy.fairness import Usage
from cluster.policy.policy import AGE_SECONDS, GANG_SECONDS, FreeSlots, Placement, Policy, PolicyJob
from jobs.budget import Budget
from jobs.spec import Job, Machine, Order

NODES = st.lists(st.integers(1, 8), min_size=1, max_size=4).flatmap(
    lambda sizes: st.tuples(
        *(
            st.sets(st.integers(0, size - 1)).map(
                lambda free, size=size: (size, tuple(sorted(free)))  # type: ignore[misc]
            )
            for size in sizes
        )
    )
)
JOBS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 8), st.integers(-1, 1), st.floats(0, 3 * AGE_SECONDS)), max_size=12
)


def cluster(drawn: tuple[tuple[int, tuple[int, ...]], ...]) -> list[FreeSlots]:
    return [FreeSlots(node=f"n{i}", capacity=size, slots=free) for i, (size, free) in enumerate(drawn)]


def queue(drawn: list[tuple[bool, int, int, float]]) -> list[PolicyJob]:
    return [
        PolicyJob(key=str(i), gang=gang, slots=slots, priority=priority, since=since)
        for i, (gang, slots, priority, since) in enumerate(drawn)
    ]


def job(key: str, slots: int = 1, **changes: Any) -> PolicyJob:
    return PolicyJob(**{"key": key, "gang": False, "slots": slots, "priority": 0, "since": 0.0, **changes})


def node(name: str, capacity: int, free: int, **changes: Any) -> FreeSlots:
    return FreeSlots(**{"node": name, "capacity": capacity, "slots": tuple(range(free)), **changes})


def place(
    waiting: Sequence[PolicyJob], nodes: Sequence[FreeSlots], now: float, usage: Usage | None = None
) -> list[Placement]:
    """The first decision on a cluster; `usage` is left as it is."""
    policy = Policy(usage=deepcopy(usage))
    for node in nodes:
        policy.add_node(node)
    for waiting_job in waiting:
        policy.submit(waiting_job)
    return policy.decide(now)


def keys(placements: Sequence[Placement]) -> list[str]:
    return [placement.key for placement in placements]


@settings(derandomize=True)
@given(NODES, JOBS)
def test_placements_use_free_slots_of_one_node_each_and_no_slot_twice(
    nodes: tuple[tuple[int, tuple[int, ...]], ...], jobs: list[tuple[bool, int, int, float]]
) -> None:
    free, waiting = cluster(nodes), queue(jobs)
    placements = place(waiting, free, 3 * AGE_SECONDS)
    slots = {node.node: set(node.slots) for node in free}
    wanted = {job.key: job.slots for job in waiting}
    taken: set[tuple[str, int]] = set()
    for placement in placements:
        assert len(placement.slots) == wanted[placement.key]
        assert set(placement.slots) <= slots[placement.node]
        new = {(placement.node, slot) for slot in placement.slots}
        assert not taken & new
        taken |= new
    assert len({placement.key for placement in placements}) == len(placements)


@settings(derandomize=True)
@given(NODES, JOBS)
def test_no_slot_idles_while_a_single_slot_job_waits_and_nothing_wider_does(
    nodes: tuple[tuple[int, tuple[int, ...]], ...], jobs: list[tuple[bool, int, int, float]]
) -> None:
    free, waiting = cluster(nodes), queue([(gang, 1, priority, since) for gang, _, priority, since in jobs])
    placements = place(waiting, free, 3 * AGE_SECONDS)
    assert len(placements) == min(len(waiting), sum(len(node.slots) for node in free))


@settings(derandomize=True)
@given(NODES, JOBS)
def test_placing_is_a_pure_function(
    nodes: tuple[tuple[int, tuple[int, ...]], ...], jobs: list[tuple[bool, int, int, float]]
) -> None:
    free, waiting = cluster(nodes), queue(jobs)
    assert place(waiting, free, 0.0) == place(list(waiting), list(free), 0.0)


def test_a_gang_goes_before_evaluations_that_came_first() -> None:
    waiting = [job("eval"), job("gang", 2, gang=True)]
    assert place(waiting, [node("a", 2, 2)], 0.0) == [Placement(key="gang", node="a", slots=(0, 1))]


def test_a_node_is_kept_for_a_gang_that_cannot_start_yet() -> None:
    waiting = [job("gang", 8, gang=True), *(job(f"eval {i}") for i in range(8))]
    placements = place(waiting, [node("a", 8, 7), node("b", 8, 3)], 0.0)
    assert {placement.node for placement in placements} == {"b"}
    assert len(placements) == 3


def test_evaluations_fill_the_fullest_node_so_that_an_empty_one_stays_whole() -> None:
    assert place([job("eval")], [node("empty", 8, 8), node("full", 8, 1)], 0.0)[0].node == "full"


def test_priority_goes_before_everything_but_age() -> None:
    waiting = [job("gang", 2, gang=True), job("urgent", priority=1)]
    assert place(waiting, [node("a", 2, 2)], 0.0)[0].key == "urgent"


def test_who_has_waited_an_age_longer_goes_before_a_gang() -> None:
    now = AGE_SECONDS + 1
    waiting = [job("gang", 2, gang=True, since=now), job("old")]
    assert place(waiting, [node("a", 2, 2)], now)[0].key == "old"


def test_a_job_wider_than_every_node_does_not_hold_the_others_up() -> None:
    waiting = [job("too wide", 16, gang=True), job("eval")]
    assert [placement.key for placement in place(waiting, [node("a", 8, 8)], 0.0)] == ["eval"]


def test_what_another_job_waits_for_goes_before_what_nobody_waits_for() -> None:
    waiting = [job("confirm", awaited=False), job("search")]
    assert keys(place(waiting, [node("a", 1, 1)], 0.0)) == ["search"]
    assert keys(
        place([job("confirm", awaited=False), job("search", since=AGE_SECONDS + 1)], [node("a", 1, 1)], 0.0)
    ) == ["confirm"]


def test_an_order_tells_the_policy_all_it_needs() -> None:
    machine = Machine(device="cuda H100", dtype="bfloat16", torch="2.13", attention="sdpa", processes=1, threads=1)
    made = Job(stage="eval", settings={}, inputs={"artifact": "a" * 64}, seed=1, machine=machine, arithmetic=1)
    order = Order(job=made, sweep="s", label="", slots=2, priority=-3, awaited=True)
    assert PolicyJob.of("key", order, 5.0, 7.0) == PolicyJob(
        key="key", gang=False, slots=2, priority=-3, since=5.0, sweep="s", awaited=True, slot_class=machine.slot_class,
        artifact="a" * 64, seconds=7.0,
    )  # fmt: skip


# Several sweeps


def test_sweeps_that_come_together_share_a_cluster_equally() -> None:
    waiting = [job(f"{sweep}{number}", sweep=sweep) for sweep in "abc" for number in range(20)]
    started = keys(place(waiting, [node("n", 9, 9)], 0.0))
    assert {sweep: sum(key[0] == sweep for key in started) for sweep in "abc"} == {"a": 3, "b": 3, "c": 3}


def test_a_sweep_that_comes_later_is_served_before_one_that_had_the_cluster() -> None:
    policy = Policy()
    policy.add_node(node("n", 2, 2))
    for number in range(6):
        policy.submit(job(f"old {number}", sweep="old"))
    assert keys(policy.decide(0.0)) == ["old 0", "old 1"]
    policy.submit(job("new", sweep="new", since=100.0))
    policy.finish("old 0", 100.0)
    assert keys(policy.decide(100.0)) == ["new"]


def test_gangs_go_first_across_sweeps_until_theirs_is_far_ahead() -> None:
    waiting = [job("eval", sweep="a"), job("gang", 2, gang=True, sweep="b")]
    usage = Usage()
    usage.advance(0.0)
    usage.hold("b", 2)
    usage.advance(GANG_SECONDS * 0.9)
    usage.hold("b", -2)
    assert keys(place(waiting, [node("n", 2, 2)], GANG_SECONDS * 0.9, usage=usage)) == ["gang"]
    usage.hold("b", 2)
    usage.advance(GANG_SECONDS * 4)
    assert keys(place(waiting, [node("n", 2, 2)], GANG_SECONDS * 4, usage=usage)) == ["eval"]


# Devices and warm workers


def test_a_job_runs_on_its_own_kind_of_device_only() -> None:
    nodes = [node("a", 8, 8, slot_class="cuda A100"), node("h", 8, 8, slot_class="cuda H100")]
    placements = place([job(f"{n}", slot_class="cuda H100") for n in range(10)], nodes, 0.0)
    assert [placement.node for placement in placements] == ["h"] * 8
    assert place([job("other", slot_class="cpu")], nodes, 0.0) == []
    assert len(place([job("any"), job("h", slot_class="cuda H100")], [node("unknown", 2, 2)], 0.0)) == 2


def test_an_evaluation_goes_where_its_artifact_is_loaded() -> None:
    nodes = [node("cold", 8, 2), node("warm", 8, 8, loaded={5: frozenset({"x"})})]
    assert place([job("e", artifact="x")], nodes, 0.0) == [Placement(key="e", node="warm", slots=(5,))]
    assert place([job("e", artifact="y")], nodes, 0.0) == [Placement(key="e", node="cold", slots=(0,))]


def test_a_slot_remembers_its_artifacts_until_a_gang_takes_it() -> None:
    policy = Policy()
    policy.add_node(node("n", 2, 2))
    policy.submit(job("first", artifact="x"))
    assert policy.decide(0.0)[0].slots == (0,)
    policy.submit(job("second", artifact="y"))
    assert policy.decide(0.0)[0].slots == (1,)
    policy.finish("first", 1.0)
    policy.finish("second", 1.0)
    policy.submit(job("third", artifact="y"))
    assert policy.decide(1.0)[0].slots == (1,)
    policy.finish("third", 2.0)
    policy.submit(job("gang", 2, gang=True))
    policy.decide(2.0)
    policy.finish("gang", 3.0)
    policy.submit(job("fourth", artifact="y"))
    assert policy.decide(3.0)[0].slots == (0,)


# Draining


def busy(name: str, ends: dict[int, float], capacity: int = 4) -> FreeSlots:
    return FreeSlots(
        node=name, capacity=capacity, slots=tuple(slot for slot in range(capacity) if slot not in ends), ends=ends
    )


def test_the_node_is_drained_that_costs_and_delays_least() -> None:
    soon, late = busy("soon", {0: 10.0, 1: 10.0}), busy("late", {0: 200.0})
    waiting = [job("gang", 4, gang=True, seconds=600.0), *(job(f"e{n}") for n in range(9))]
    assert {placement.node for placement in place(waiting, [soon, late], 0.0)} == {"late"}


def test_a_drain_that_costs_more_than_the_gang_brings_waits_until_the_gang_has_waited() -> None:
    nodes = [busy("n", {0: 1000.0})]
    waiting = [job("gang", 4, gang=True, seconds=100.0), job("e")]
    # Three slots would stand idle for 1000 s, for a gang of four slots and 100 s.
    assert keys(place(waiting, nodes, 0.0)) == ["e"]
    nodes = [busy("n", {0: 1700.0})]
    assert keys(place(waiting, nodes, 700.0)) == []


def test_a_drained_node_takes_what_is_done_in_time() -> None:
    waiting = [
        job("gang", 4, gang=True, seconds=600.0),
        job("long", seconds=31.0),
        job("unknown", 1, sweep="b"),
        job("short", seconds=30.0, sweep="c"),
    ]
    assert keys(place(waiting, [busy("n", {0: 30.0, 1: 30.0})], 0.0)) == ["short"]


def test_a_node_stays_drained_when_a_job_there_takes_longer_than_was_thought() -> None:
    policy = Policy()
    policy.add_node(node("n", 2, 2))
    for number in range(2):
        policy.submit(job(f"e{number}", seconds=10.0))
    policy.decide(0.0)
    for number in range(2):  # one more than can be drained for, so that it is looked at again and again
        policy.submit(job(f"gang {number}", 2, gang=True, seconds=600.0))
    policy.submit(job("e2", seconds=10.0))
    assert policy.decide(9.9) == []
    policy.finish("e0", 10.5)
    assert policy.decide(11.0) == []
    policy.finish("e1", 12.0)
    assert keys(policy.decide(12.0)) == ["gang 0"]


def test_a_higher_priority_takes_a_drained_node() -> None:
    policy = Policy()
    policy.add_node(busy("n", {0: 30.0}))
    policy.submit(job("gang", 4, gang=True))
    assert policy.decide(0.0) == []
    policy.submit(job("urgent", priority=1))
    policy.submit(job("equal"))
    assert keys(policy.decide(1.0)) == ["urgent"]


def test_no_node_is_drained_for_a_gang_whose_turn_comes_after_waiting_evaluations() -> None:
    waiting = [job(f"e{n}", priority=1) for n in range(4)] + [job("gang", 4, gang=True)]
    policy = Policy()
    policy.add_node(busy("n", {0: 30.0}))
    for waiting_job in waiting:
        policy.submit(waiting_job)
    assert len(policy.decide(0.0)) == 3
    policy.finish("e0", 10.0)
    assert keys(policy.decide(10.0)) == ["e3"]


def test_evaluations_cannot_starve_a_gang() -> None:
    policy = Policy()
    policy.add_node(node("n", 4, 4))
    now, number, running = 0.0, 0, []
    policy.submit(job("e0", seconds=40.0))
    while policy.waiting:
        running += [(now + 40.0 + 7 * (len(running) % 3), key) for key in keys(policy.decide(now))]
        if any(key == "gang" for _, key in running):
            break
        if now == 0.0:
            policy.submit(job("gang", 4, gang=True))
        for _ in range(4):
            number += 1
            policy.submit(job(f"e{number}", since=now, seconds=40.0))
        running.sort()
        if running:
            now, key = running.pop(0)
            policy.finish(key, now)
        else:
            now += 1.0
        assert now < 2 * WIDE_SECONDS
    assert any(key == "gang" for _, key in running)


# Budgets


def test_no_more_starts_than_the_budget_pays_for() -> None:
    policy = Policy(budgets={"s": Budget(gpu_hours=100.1 / 3600)})
    policy.add_node(node("n", 4, 4))
    for number in range(3):
        policy.submit(job(f"{number}", sweep="s", seconds=40.0))
    assert keys(policy.decide(0.0)) == ["0", "1"]
    assert policy.refused == {}  # others may give back what they have reserved …
    policy.finish("0", 20.0)
    assert keys(policy.decide(20.0)) == ["2"]
    policy.submit(job("3", sweep="s", seconds=40.0))
    policy.finish("1", 40.0)
    policy.finish("2", 60.0)
    assert policy.decide(60.0) == []  # … but here nobody holds any
    assert policy.waiting == 0
    assert "of budget.gpu_hours = 0.0278056" in policy.refused["3"]


def test_what_cannot_end_before_the_deadline_does_not_start_and_holds_nobody_up() -> None:
    policy = Policy(budgets={"s": Budget(deadline=50.0)})
    policy.add_node(node("n", 2, 2))
    policy.submit(job("long", 2, gang=True, sweep="s", seconds=60.0))
    policy.submit(job("short", sweep="s", seconds=40.0))
    assert keys(policy.decide(0.0)) == ["short"]
    assert list(policy.refused) == ["long"]


# Everything at once


class Cluster(RuleBasedStateMachine):
    """Any order of submitting, deciding, ending, losing nodes and withdrawing, against a plain record of slots."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = Policy()
        self.nodes: dict[str, int] = {}
        self.jobs: dict[str, PolicyJob] = {}
        self.taken: dict[tuple[str, int], str] = {}
        self.now, self.count = 0.0, 0

    @rule(capacity=st.integers(1, 4), slot_class=st.sampled_from([None, "x"]))
    def appear(self, capacity: int, slot_class: str | None) -> None:
        name = f"n{len(self.nodes)}"
        self.nodes[name] = capacity
        self.policy.add_node(node(name, capacity, capacity, slot_class=slot_class))

    @rule(
        slots=st.integers(1, 5),
        gang=st.booleans(),
        priority=st.integers(0, 1),
        sweep=st.sampled_from("ab"),
        slot_class=st.sampled_from([None, "x", "y"]),
        seconds=st.sampled_from([None, 5.0, 50.0]),
        artifact=st.sampled_from([None, "p", "q"]),
    )
    def submit(self, **drawn: Any) -> None:
        self.count += 1
        made = job(f"{self.count}", since=self.now, **drawn)
        self.jobs[made.key] = made
        self.policy.submit(made)

    @rule(step=st.floats(0, 40))
    def decide(self, step: float) -> None:
        self.now += step
        for placement in self.policy.decide(self.now):
            assert len(placement.slots) == self.jobs[placement.key].slots
            assert max(placement.slots) < self.nodes[placement.node]
            for slot in placement.slots:
                assert (placement.node, slot) not in self.taken
                self.taken[placement.node, slot] = placement.key
        self.is_work_conserving()

    @rule(choice=st.integers(0, 99))
    def finish(self, choice: int) -> None:
        if running := sorted(set(self.taken.values())):
            self.end(running[choice % len(running)])
            self.policy.finish(running[choice % len(running)], self.now)

    @rule(choice=st.integers(0, 99))
    def withdraw(self, choice: int) -> None:
        if waiting := sorted(self.jobs.keys() - set(self.taken.values())):
            self.policy.withdraw(waiting[choice % len(waiting)])
            del self.jobs[waiting[choice % len(waiting)]]

    @rule(choice=st.integers(0, 99))
    def lose(self, choice: int) -> None:
        if names := [name for name, capacity in self.nodes.items() if capacity]:
            name = names[choice % len(names)]
            there = {key for (node, _), key in self.taken.items() if node == name}
            assert set(self.policy.remove_node(name)) == there
            self.nodes[name] = 0
            for key in there:
                self.policy.finish(key, self.now)
                self.end(key)

    def end(self, key: str) -> None:
        del self.jobs[key]
        self.taken = {place: other for place, other in self.taken.items() if other != key}

    def is_work_conserving(self) -> None:
        drained = {node.name for node in self.policy._capacity.drained()}
        for key in self.jobs.keys() - set(self.taken.values()):
            job = self.jobs[key]
            for name, node in self.policy._capacity.nodes.items():
                fits = len(node.free) >= job.slots and serves(node.slot_class, job.slot_class)
                assert not fits or name in drained, f"{job} fits {node}"

    @invariant()
    def the_index_agrees_with_the_record(self) -> None:
        assert self.policy.free == sum(self.nodes.values()) - len(self.taken)
        assert self.policy.waiting == len(self.jobs) - len(set(self.taken.values()))


TestCluster = Cluster.TestCase
TestCluster.settings = settings(derandomize=True, max_examples=60, stateful_step_count=40)


def test_a_gang_that_cannot_use_a_node_does_not_keep_others_from_draining_it() -> None:
    policy = Policy()
    for name in "ab":
        policy.add_node(node(name, 8, 4))
    policy.submit(job("retried", 8, gang=True, avoid=frozenset("a")))
    policy.submit(job("gang", 8, gang=True))
    policy.submit(job("evaluation", since=1.0, seconds=1e6))
    assert policy.decide(1.0) == []
    assert policy.waiting == 3
