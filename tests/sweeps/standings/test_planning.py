"""Runs that a claim still needs: the fewest with which the rules are passed with a chance of 80 %."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.contests.catalog import contest_named
from sweeps.standings.planning import runs_needed
from sweeps.standings.rules import Side, apply_rule

TRACK_3, TRACK_1 = contest_named("modded-nanogpt-3"), contest_named("modded-nanogpt-1")


def side(scores: list[str], steps: float = 3000, seconds: list[float] | None = None) -> Side:
    return Side(scores=list(map(Decimal, scores)), seconds=seconds or [], value=steps)


@given(st.decimals("3.2781", "3.2799", places=4), st.integers(1, 3))
def test_the_target_takes_the_runs_of_the_formula(mean: Decimal, n: int) -> None:
    gain = float(Decimal("3.28") - mean)
    needed = math.ceil(((0.004 + 0.8416212336 * 0.0013) / gain) ** 2 - 1e-9) - n
    result = runs_needed(TRACK_3, side([str(mean)] * n), None, incumbent_grows=False)
    passed = apply_rule(TRACK_3, [mean] * n).passed
    assert result == (0 if passed else needed if needed <= 200 else None)


def test_a_mean_beyond_the_target_reaches_it_with_no_number_of_runs() -> None:
    assert runs_needed(TRACK_3, side(["3.281"] * 4), None, incumbent_grows=False) is None
    assert runs_needed(TRACK_1, side(["3.27"], seconds=[80.0]), None, incumbent_grows=False) is None  # one run


def test_an_incumbent_that_gets_runs_too_makes_fewer_enough() -> None:
    ours, theirs = side(["3.2775"] * 4, steps=3160), side(["3.2775"] * 4, steps=3200)
    both, alone = (runs_needed(TRACK_3, ours, theirs, incumbent_grows=grows) for grows in (True, False))
    weight = ((0.004 + 0.8416212336 * 0.0013) / (0.0045 * 0.4)) ** 2  # which 1/(1/n + 1/n) = n/2 must reach
    assert both == math.ceil(2 * weight) - 4
    assert alone is None  # 1/(1/n + 1/4) stays below 4
    assert runs_needed(TRACK_3, side(["3.2775"] * 4, steps=2900), theirs, incumbent_grows=False) == 0


@pytest.mark.parametrize(("seconds", "outcome"), [(80.0, "shown"), (80.6, "planned"), (82.0, "hopeless")])
def test_times_are_planned_by_welchs_test(seconds: float, outcome: str) -> None:
    losses = ["3.2711", "3.2712", "3.2713"]
    ours = side(losses, seconds=[seconds, seconds + 0.3, seconds - 0.3])
    theirs = side(losses, seconds=[81.0, 81.3, 80.7])
    needed = runs_needed(TRACK_1, ours, theirs, incumbent_grows=True)
    assert outcome == ("hopeless" if needed is None else "planned" if needed else "shown")
