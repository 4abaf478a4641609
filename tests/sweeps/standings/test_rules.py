"""Rules of contests: exact at their thresholds, and equal to scipy's tests."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweeps.contests.catalog import contest_named
from sweeps.standings.rules import Side, apply_rule, compare_sides

TRACK_3, TRACK_1 = contest_named("modded-nanogpt-3"), contest_named("modded-nanogpt-1")
Scores = st.lists(st.decimals("3.26", "3.30", places=5), min_size=1, max_size=12)


def side(scores: list[str], steps: float = 3000, seconds: list[float] | None = None) -> Side:
    return Side(scores=list(map(Decimal, scores)), seconds=seconds or [], value=steps)


@pytest.mark.parametrize(
    ("scores", "passed"),
    [
        (["3.276"], True),  # (3.28 − 3.276)·√1 is the threshold itself, which floats miss by 4e-16
        (["3.27601"], False),
        (["3.278"] * 4, True),
        (["3.278", "3.278", "3.278", "3.27801"], False),
        (["3.284"], False),
    ],
)
def test_a_threshold_is_decided_exactly(scores: list[str], passed: bool) -> None:
    result = apply_rule(TRACK_3, list(map(Decimal, scores)))
    assert (result.test, result.threshold, result.passed) == ("known-sigma", 0.004, passed)


@given(Scores)
def test_the_known_deviation_rule_is_its_formula(scores: list[Decimal]) -> None:
    result = apply_rule(TRACK_3, scores)
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal("3.28") - sum(scores, Decimal(0)) / len(scores)) * Decimal(len(scores)).sqrt()
    assert result.statistic == pytest.approx(float(exact), abs=1e-12)
    if abs(exact - Decimal("0.004")) > Decimal("1e-40"):
        assert result.passed == (exact >= Decimal("0.004"))
    assert result.p_value == pytest.approx(stats.norm.sf(float(exact) / 0.0013), rel=1e-6, abs=1e-300)


def test_the_target_rule_is_the_one_sample_test() -> None:
    scores = ["3.2775", "3.2779", "3.2793", "3.2791", "3.2769"]
    result = apply_rule(TRACK_1, list(map(Decimal, scores)))
    expected = stats.ttest_1samp(list(map(float, scores)), 3.28, alternative="less")
    assert result.statistic == pytest.approx(-expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert (result.test, result.threshold, result.passed) == ("target", 0.01, bool(expected.pvalue < 0.01))


def test_one_run_has_no_deviation_to_test_by() -> None:
    result = apply_rule(TRACK_1, [Decimal("3.2")])
    assert (result.statistic, result.p_value, result.passed) == (None, None, None)


@given(Scores, Scores, st.integers(2000, 4000), st.integers(2000, 4000))
def test_the_pairwise_rule_is_its_formula_and_antisymmetric(
    ours: list[Decimal], theirs: list[Decimal], steps: int, other_steps: int
) -> None:
    one, other = Side(scores=ours, seconds=[], value=steps), Side(scores=theirs, seconds=[], value=other_steps)
    forth, back = compare_sides(TRACK_3, one, other), compare_sides(TRACK_3, other, one)
    assert forth is not None and back is not None and forth.result.statistic is not None
    gap = float(sum(theirs, Decimal(0)) / len(theirs) - sum(ours, Decimal(0)) / len(ours))
    expected = (gap + 0.0045 * (other_steps - steps) / 100) / math.sqrt(1 / len(ours) + 1 / len(theirs))
    assert forth.result.statistic == pytest.approx(expected, abs=1e-9)
    assert back.result.statistic == -forth.result.statistic
    assert {"better": "worse", "worse": "better", "undecided": "undecided"}[forth.verdict] == back.verdict
    assert forth.result.passed == (forth.verdict == "better")
    if abs(expected - 0.004) > 1e-9:
        assert forth.result.passed == (expected >= 0.004)


def test_a_hundred_steps_are_worth_45_ten_thousandths() -> None:
    earlier = side(["3.278"] * 8, 3100)
    better = compare_sides(TRACK_3, side(["3.2805"] * 8, 3000), earlier)  # 0.0045 − 0.0025 = 0.002, times 2
    assert better is not None and better.verdict == "better" and better.result.statistic == pytest.approx(0.004)
    undecided = compare_sides(TRACK_3, side(["3.28051"] * 8, 3000), earlier)
    assert undecided is not None and undecided.verdict == "undecided"


def test_times_are_compared_by_welch() -> None:
    fast, slow = [79.5, 79.6, 79.7], [80.6, 80.8, 80.9, 80.7]
    expected = stats.ttest_ind(fast, slow, equal_var=False, alternative="less")
    result = compare_sides(TRACK_1, side(["3.27"] * 3, 79.6, fast), side(["3.27"] * 4, 80.7, slow))
    assert result is not None and result.verdict == "better"
    assert (result.result.statistic, result.result.p_value) == pytest.approx((-expected.statistic, expected.pvalue))
    back = compare_sides(TRACK_1, side(["3.27"] * 4, 80.7, slow), side(["3.27"] * 3, 79.6, fast))
    assert back is not None and back.verdict == "worse"
    assert compare_sides(TRACK_1, side(["3.27"], 79.6, [79.6]), side(["3.27"] * 4, 80.7, slow)) is None
