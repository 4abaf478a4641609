"""The simulator: small clusters by hand, and whatever is drawn must obey the laws of slots and time."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.policy.policy import AGE_SECONDS, FreeSlots, Placement, PolicyJob
from cluster.policy.simulate import Machines, Outage, Simulation, Span


def job(key: str, slots: int = 1, seconds: float = 10.0, **changes: Any) -> PolicyJob:
    fields = {"key": key, "gang": slots > 1, "slots": slots, "priority": 0, "since": 0.0, "seconds": seconds}
    return PolicyJob(**{**fields, **changes})


def as_expected(job: PolicyJob, placement: Placement) -> float:
    assert job.seconds is not None
    return job.seconds


def nothing(ended: Sequence[Span]) -> Iterable[PolicyJob]:
    return ()


def machines(nodes: int, slots: int) -> list[FreeSlots]:
    return Machines(nodes=nodes, slots=slots).free()


def test_two_slots_and_three_jobs() -> None:
    simulation = Simulation(machines(1, 2), as_expected)
    spans = list(simulation.run([job("a"), job("b", seconds=4.0), job("c", seconds=3.0)], nothing))
    assert [(span.job.key, span.slots, span.start, span.end) for span in spans] == [
        ("b", (1,), 0.0, 4.0),
        ("c", (1,), 4.0, 7.0),
        ("a", (0,), 0.0, 10.0),
    ]
    totals = simulation.totals
    assert (totals.seconds, totals.busy, totals.slot_seconds) == (10.0, 17.0, 20.0)
    assert (totals.waited, totals.idle) == (8.0, 0.0)
    assert totals.utilization == 0.85


def test_what_ends_brings_what_comes_next() -> None:
    def after(ended: Sequence[Span]) -> Iterable[PolicyJob]:
        return [job("eval", since=simulation.now)] if ended[0].job.key == "gang" else []

    simulation = Simulation(machines(1, 2), as_expected)
    spans = list(simulation.run([job("gang", 2, seconds=5.0)], after))
    assert [(span.job.key, span.start, span.end) for span in spans] == [("gang", 0.0, 5.0), ("eval", 5.0, 15.0)]


def test_a_lost_node_gives_its_job_back_with_what_was_done_of_it() -> None:
    outages = [Outage(node="node 0", at=4.0, until=20.0)]
    simulation = Simulation(machines(1, 1), as_expected, outages=outages)
    spans = list(simulation.run([job("a")], nothing))
    assert [(span.start, span.end, span.outcome) for span in spans] == [(0.0, 4.0, "lost"), (20.0, 26.0, "done")]
    assert simulation.totals.slot_seconds == 10.0  # while the node was gone there was no slot


def test_an_attempt_that_fails_is_followed_by_one_for_the_rest() -> None:
    simulation = Simulation(machines(1, 1), as_expected, fails=lambda job, attempt: 0.5 if attempt < 3 else None)
    spans = list(simulation.run([job("a", seconds=8.0)], nothing))
    assert [(span.end, span.outcome) for span in spans] == [(4.0, "failed"), (6.0, "failed"), (8.0, "done")]


def test_a_job_that_fits_nowhere_does_not_stop_the_rest() -> None:
    simulation = Simulation(machines(1, 2), as_expected)
    spans = list(simulation.run([job("wide", 4), job("a")], nothing))
    assert [span.job.key for span in spans] == ["a"]
    assert simulation.policy.waiting == 1


JOBS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([1.0, 7.0, 30.0, 600.0]), st.integers(0, 1), st.sampled_from("ab")),
    min_size=1,
    max_size=40,
)
OUTAGES = st.lists(
    st.tuples(st.integers(0, 2), st.floats(1, 500), st.floats(1, 100)), max_size=3, unique_by=lambda o: o[0]
)


@given(JOBS, OUTAGES, st.booleans())
def test_every_job_is_done_once_no_slot_serves_two_and_the_sums_agree(
    drawn: list[tuple[int, float, int, str]], lost: list[tuple[int, float, float]], known: bool
) -> None:
    jobs = [
        job(f"{n}", slots, seconds, priority=priority, sweep=sweep)
        for n, (slots, seconds, priority, sweep) in enumerate(drawn)
    ]
    takes = {given.key: given.seconds for given in jobs}
    offered = jobs if known else [job(given.key, given.slots, None, sweep=given.sweep) for given in jobs]  # type: ignore[arg-type]
    outages = [Outage(node=f"node {node}", at=at, until=at + gone) for node, at, gone in lost]

    def play() -> tuple[Simulation, list[Span]]:
        simulation = Simulation(machines(3, 4), lambda waiting, _: takes[waiting.key] or 0.0, outages=outages)
        return simulation, list(simulation.run(offered, nothing))

    simulation, spans = play()
    done = [span for span in spans if span.outcome == "done"]
    assert sorted(span.job.key for span in done) == sorted(takes)
    worked = {key: sum(s.end - s.start for s in spans if s.job.key == key) for key in takes}
    assert worked == pytest.approx(takes)
    by_slot: dict[tuple[str, int], list[Span]] = {}
    for span in spans:
        for slot in span.slots:
            by_slot.setdefault((span.node, slot), []).append(span)
    for served in by_slot.values():
        served.sort(key=lambda span: span.start)
        assert all(before.end <= after.start for before, after in itertools.pairwise(served))
    assert simulation.totals.busy == pytest.approx(sum((s.end - s.start) * len(s.slots) for s in spans))
    assert simulation.totals.seconds == max(span.end for span in done)
    assert play()[1] == spans


@given(st.lists(st.tuples(st.booleans(), st.floats(5, 60)), min_size=20, max_size=60), st.integers(2, 4))
def test_a_gang_among_ever_new_evaluations_waits_for_a_bounded_time(
    drawn: list[tuple[bool, float]], width: int
) -> None:
    """Once its turn has come, no longer than draining costs: here at most the longest evaluation and its own wait."""
    stream = iter(drawn * 20)
    started: dict[str, float] = {}

    def takes(waiting: PolicyJob, placement: Placement) -> float:
        started[waiting.key] = simulation.now
        assert waiting.seconds is not None
        return waiting.seconds

    def after(ended: Sequence[Span]) -> Iterable[PolicyJob]:
        if "gang" in started:
            return []
        return [
            job(f"e{simulation.now}{n}", seconds=next(stream)[1], since=simulation.now) for n, _ in enumerate(ended)
        ]

    simulation = Simulation(machines(1, 4), takes)
    first = [job(f"e{n}", seconds=drawn[n][1]) for n in range(8)]
    list(simulation.run([*first, job("gang", width, seconds=600.0)], after))
    assert started["gang"] <= 2 * 60.0


def test_priorities_come_first_and_the_waiting_low_ones_are_served_in_the_end() -> None:
    jobs = [job(f"low {n}") for n in range(4)] + [job(f"high {n}", priority=1, sweep="other") for n in range(4)]
    spans = list(Simulation(machines(1, 1), as_expected).run(jobs, nothing))
    assert [span.job.key for span in spans] == [f"high {n}" for n in range(4)] + [f"low {n}" for n in range(4)]


def test_evaluations_behind_endless_gangs_are_served_after_an_age() -> None:
    started: dict[str, float] = {}

    def takes(waiting: PolicyJob, placement: Placement) -> float:
        started[waiting.key] = simulation.now
        return as_expected(waiting, placement)

    def after(ended: Sequence[Span]) -> Iterable[PolicyJob]:
        if simulation.now > 3 * AGE_SECONDS:
            return []
        return [job(f"gang {simulation.now}", 2, seconds=300.0, since=simulation.now) for s in ended if s.job.gang]

    simulation = Simulation(machines(1, 2), takes)
    list(simulation.run([job("eval"), job("gang 0", 2, seconds=300.0), job("gang 1", 2, seconds=300.0)], after))
    assert AGE_SECONDS <= started["eval"] <= AGE_SECONDS + 600.0
