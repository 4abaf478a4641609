"""Power, further seeds, interim analyses and equivalence: against published tables, simulations and definitions."""

import math

import numpy as np
import pytest
from scipy import stats

from sweeps.statistics import (
    Moments,
    analysis_levels,
    anytime_level,
    equivalence_test,
    moments,
    no_worse_test,
    power,
    seeds_needed,
    welch_test,
)
from sweeps.statistics.estimate import p_values, welch_parts

RUNS = 60_000


def p_of(c: np.ndarray, i: np.ndarray) -> np.ndarray:
    """p of Welch's test of every pair of rows, [runs]."""
    parts = welch_parts(c.mean(1), c.var(1, ddof=1), c.shape[1], i.mean(1), i.var(1, ddof=1), i.shape[1])
    return p_values(-parts[0], *parts[1:])[1]


def test_levels_are_those_of_published_tables() -> None:
    """Five equal looks at one-sided 0.025: the Pocock-type bounds that R's ldbounds and gsDesign print."""
    bounds = stats.norm.isf(analysis_levels([1, 2, 3, 4, 5], 0.025))
    assert bounds == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=0.0006)
    assert analysis_levels([3], 0.01) == (pytest.approx(0.01),)


@pytest.mark.parametrize("looks", [(3, 6), (3, 5, 8), (3, 10)])
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_planned_interim_analyses_keep_the_size(looks: tuple[int, ...], alpha: float) -> None:
    generator = np.random.default_rng(0)
    c, i = generator.normal(0, 1, (2, RUNS, looks[-1]))
    claimed = np.zeros(RUNS, bool)
    for n, level in zip(looks, analysis_levels(looks, alpha), strict=True):
        claimed |= p_of(c[:, :n], i[:, :n]) < level
    assert claimed.mean() < alpha + 3 * math.sqrt(alpha / RUNS)
    assert claimed.mean() > alpha / 2


def test_naive_interim_analyses_claim_too_often() -> None:
    c, i = np.random.default_rng(1).normal(0, 1, (2, 20_000, 10))
    claimed = np.zeros(20_000, bool)
    for n in range(3, 11):
        claimed |= p_of(c[:, :n], i[:, :n]) < 0.01
    assert claimed.mean() > 0.02


def test_levels_at_any_time_spend_the_whole_chance_and_no_more() -> None:
    """The first two by the normal distribution itself; all of them by what they add up to."""
    first, second = stats.norm.isf([anytime_level(3), anytime_level(4)])
    assert anytime_level(3) == pytest.approx(0.01 / 3, rel=1e-9)
    both = stats.multivariate_normal(cov=[[1, math.sqrt(3 / 4)], [math.sqrt(3 / 4), 1]])
    assert 1 - both.cdf([first, second]) == pytest.approx(0.01 * (1 - 2 / 4), abs=1e-6)
    assert [anytime_level(n) for n in (0, 1, 2)] == [0.0] * 3
    levels = [anytime_level(n) for n in range(3, 300)]
    assert levels == sorted(levels, reverse=True)
    assert [anytime_level(n, 0.05) for n in (257, 1000)] == [pytest.approx(0.1 / (n * (n - 1))) for n in (257, 1000)]
    for alpha in (0.0, 0.5):
        with pytest.raises(ValueError, match="alpha"):
            anytime_level(3, alpha)


@pytest.mark.parametrize(("spread", "alone"), [(1.0, True), (1.0, False), (3.0, True)])
def test_unplanned_interim_analyses_keep_the_size(spread: float, alone: bool) -> None:
    """Every look from 3 to 10 seeds, the incumbent growing along or not; unequal spread is Welch's known weakness."""
    generator = np.random.default_rng(6)
    c, i = generator.normal(0, spread, (RUNS, 10)), generator.normal(0, 1, (RUNS, 10))
    p = {n: p_of(c[:, :n], i[:, : 3 if alone else n]) for n in range(3, 11)}
    claimed = np.any([p[n] < anytime_level(n) for n in p], 0)
    assert 0.003 < claimed.mean() < 0.01 + 3 * math.sqrt(0.01 / RUNS)


def test_a_first_analysis_at_the_full_level_leaves_later_ones_their_own() -> None:
    """As compare has it: the fixed sample's verdict at 3 seeds, then plans at levels for any time."""
    c, i = np.random.default_rng(7).normal(0, 1, (2, RUNS, 23))
    first = p_of(c[:, :3], i[:, :3]) < 0.01
    for n in (6, 23):
        then = p_of(c[:, :n], i[:, :n])
        assert (first | (then < anytime_level(n))).mean() < 0.01
        assert (first | (then < 0.01)).mean() > 0.0125


def test_a_second_analysis_chosen_after_the_first_keeps_the_size() -> None:
    """The nearer the first look came, the fewer seeds are added."""
    generator = np.random.default_rng(2)
    c, i = generator.normal(0, 1, (2, RUNS, 13))
    first = p_of(c[:, :3], i[:, :3])
    total = np.select([first < 0.02, first < 0.05, first < 0.1, first < 0.3], [5, 6, 8, 13], 0)
    claimed = np.zeros(RUNS, bool)
    for n in (5, 6, 8, 13):
        first_level, second_level = analysis_levels((3, n), 0.01)
        claimed |= (total == n) & ((first < first_level) | (p_of(c[:, :n], i[:, :n]) < second_level))
    assert 0.003 < claimed.mean() < 0.01 + 3 * math.sqrt(0.01 / RUNS)


@pytest.mark.parametrize("looks", [(), (0, 3), (3, 3), (5, 4)])
def test_interim_analyses_that_do_not_rise_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        analysis_levels(looks)
    with pytest.raises(ValueError, match="alpha"):
        analysis_levels([3], 0.0)


@pytest.mark.parametrize(("n", "m", "std", "gap"), [(3, 3, 1.0, 3.0), (7, 7, 1.0, 1.5), (5, 8, 2.0, 3.0)])
def test_power_is_the_share_of_simulated_claims(n: int, m: int, std: float, gap: float) -> None:
    generator = np.random.default_rng(3)
    c, i = generator.normal(-gap, std, (RUNS, n)), generator.normal(0, 1, (RUNS, m))
    simulated = float((p_of(c, i) < 0.01).mean())
    computed = power(Moments(mean=-gap, variance=std**2, n=n), Moments(mean=0, variance=1, n=m), 0.0, 0.01)
    assert computed == pytest.approx(simulated, abs=0.01)


def test_the_proposed_seeds_settle_it_four_times_in_five() -> None:
    challenger, incumbent = Moments(mean=-2.0, variance=1.0, n=3), Moments(mean=0.0, variance=1.0, n=3)
    plan = seeds_needed(challenger, incumbent)
    assert plan is not None
    assert plan.seeds == 3 + plan.more
    c, i = np.random.default_rng(4).normal([[[-2.0]], [[0.0]]], 1, (2, RUNS, plan.seeds))
    assert 0.76 < (p_of(c, i) < plan.level).mean() < 0.92
    fewer = np.random.default_rng(4).normal([[[-2.0]], [[0.0]]], 1, (2, RUNS, plan.seeds - 1))
    assert plan.level == anytime_level(plan.seeds)
    assert (p_of(*fewer) < anytime_level(plan.seeds - 1)).mean() < 0.82
    alone = seeds_needed(challenger, incumbent, incumbent_grows=False)
    assert alone is None or alone.more > plan.more
    wider = seeds_needed(challenger, incumbent, margin=0.5)
    assert wider is not None
    assert wider.more > plan.more


def test_beside_an_incumbent_that_does_not_grow_the_first_number_that_does_is_found() -> None:
    """Its noise stays while levels fall, so that power rises and falls again."""
    challenger, incumbent = Moments(mean=-2.0, variance=1.0, n=3), Moments(mean=0.0, variance=0.1, n=3)
    chances = [power(Moments(mean=-2.0, variance=1.0, n=n), incumbent, 0.0, anytime_level(n)) for n in (9, 10, 13, 203)]
    assert [chance >= 0.8 for chance in chances] == [False, True, True, False]
    plan = seeds_needed(challenger, incumbent, incumbent_grows=False)
    assert plan is not None
    assert (plan.more, plan.seeds, plan.power) == (7, 10, chances[1])


def test_what_no_number_of_seeds_settles_has_no_plan() -> None:
    challenger, incumbent = Moments(mean=-0.01, variance=1.0, n=3), Moments(mean=0.0, variance=1.0, n=3)
    assert seeds_needed(challenger, incumbent) is None  # hundreds of seeds
    assert seeds_needed(incumbent, challenger) is None  # the wrong way round
    assert seeds_needed(challenger, incumbent, margin=0.02) is None
    equal = moments([1.0, 1.0])
    assert seeds_needed(equal, equal) is None
    plan = seeds_needed(equal, moments([2.0, 2.0]))
    assert plan is not None
    assert (plan.more, plan.power) == (1, 1.0)


CLOSE, OTHER = [1.001, 1.002, 1.003], [1.0015, 1.002, 1.0035]


def test_equivalence_is_the_worse_of_two_tests() -> None:
    result = equivalence_test(CLOSE, OTHER, 0.004)
    sides = [
        stats.ttest_ind(np.subtract(a, 0.004), b, equal_var=False, alternative="less").pvalue
        for a, b in ((CLOSE, OTHER), (OTHER, CLOSE))
    ]
    assert result.p_value == pytest.approx(max(sides))
    low, high = stats.ttest_ind(CLOSE, OTHER, equal_var=False).confidence_interval(0.9)
    assert result.ci90 == pytest.approx((low, high))
    within = [margin for margin in (0.001, 0.002, 0.004) if -margin < low and high < margin]
    assert within == [
        margin for margin in (0.001, 0.002, 0.004) if equivalence_test(CLOSE, OTHER, margin).p_value < 0.05
    ]
    assert equivalence_test(OTHER, CLOSE, 0.004).p_value == pytest.approx(result.p_value)


def test_no_worse_is_a_margin_in_favor() -> None:
    assert no_worse_test(OTHER, CLOSE, 0.002) == welch_test(OTHER, CLOSE, -0.002)
    for margin in (0.0, -0.1, math.nan):
        with pytest.raises(ValueError, match="margin"):
            no_worse_test(OTHER, CLOSE, margin)
        with pytest.raises(ValueError, match="margin"):
            equivalence_test(OTHER, CLOSE, margin)


def test_equivalence_keeps_its_size_at_the_margin() -> None:
    generator = np.random.default_rng(5)
    pairs = zip(generator.normal(1.0, 0.1, (4000, 8)), generator.normal(0.0, 0.1, (4000, 8)), strict=True)
    claimed = sum(equivalence_test(c.tolist(), i.tolist(), 1.0).p_value < 0.05 for c, i in pairs)
    assert abs(claimed / 4000 - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 4000)
