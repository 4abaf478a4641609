"""The policy as properties over drawn queues and clusters, and its rules one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.policy import AGE_SECONDS, Free, Placement, Waiting, place

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


def cluster(drawn: tuple[tuple[int, tuple[int, ...]], ...]) -> list[Free]:
    return [Free(node=f"n{i}", capacity=size, slots=free) for i, (size, free) in enumerate(drawn)]


def queue(drawn: list[tuple[bool, int, int, float]]) -> list[Waiting]:
    return [
        Waiting(key=str(i), gang=gang, slots=slots, priority=priority, since=since)
        for i, (gang, slots, priority, since) in enumerate(drawn)
    ]


def job(key: str, slots: int = 1, *, gang: bool = False, priority: int = 0, since: float = 0.0) -> Waiting:
    return Waiting(key=key, gang=gang, slots=slots, priority=priority, since=since)


def node(name: str, capacity: int, free: int) -> Free:
    return Free(node=name, capacity=capacity, slots=tuple(range(free)))


@settings(derandomize=True)
@given(NODES, JOBS)
def test_placements_use_free_slots_of_one_node_each_and_no_slot_twice(
    nodes: tuple[tuple[int, tuple[int, ...]], ...], jobs: list[tuple[bool, int, int, float]]
) -> None:
    free, waiting = cluster(nodes), queue(jobs)
    placements = place(waiting, free, 3 * AGE_SECONDS)
    slots = {one.node: set(one.slots) for one in free}
    wanted = {one.key: one.slots for one in waiting}
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
    assert len(placements) == min(len(waiting), sum(len(one.slots) for one in free))


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
