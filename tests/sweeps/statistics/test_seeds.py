"""Tests across seeds against published records, scipy and simulations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweeps.statistics import (
    moments,
    one_sample,
    one_sample_test,
    percentile_bootstrap,
    pool,
    pooled_test,
    published,
    published_test,
    rank_test,
    smallest_rank_p,
    summary,
    welch,
    welch_test,
)
from sweeps.statistics.estimate import p_values, quantile, welch_parts

PR_1493, PR_1514 = [1.08079, 1.08103, 1.08118], [1.07928348, 1.07996676, 1.08024795]
PR_1736 = [1.06610085, 1.06473025, 1.06562743]
PR_1769 = [1.06356801, 1.06413130, 1.06466993, 1.06509678, 1.06516558]
SCORES = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=8).filter(lambda x: np.std(x) > 1e-6)
PR_596, PR_611 = [0.6407, 0.6437, 0.6447], [0.5711, 0.5498, 0.5594]


@pytest.mark.parametrize(
    ("challenger", "incumbent", "t", "df", "p"),
    [(PR_1514, PR_1493, 3.79, 2.61, 0.020), (PR_1769, PR_1736, 1.91, 4.23, 0.063)],
)
def test_public_records(challenger: list[float], incumbent: list[float], t: float, df: float, p: float) -> None:
    result = welch_test(challenger, incumbent)
    assert (round(result.statistic, 2), round(result.df, 2), round(result.p_value, 3)) == (t, df, p)


def test_a_record_of_which_only_mean_and_deviation_are_known() -> None:
    values = [0.5601 + 0.0107 * x for x in (-1.0, 0.0, 1.0)]
    result = one_sample_test(values, 0.6430 - 0.005)
    assert result.statistic == pytest.approx(12.61, abs=0.005)
    assert result.df == 2
    assert result.p_value == pytest.approx(0.0031, abs=5e-5)
    theirs = published_test(PR_1514, float(np.mean(PR_1493)), float(np.std(PR_1493, ddof=1)), 3)
    assert theirs.p_value == pytest.approx(welch_test(PR_1514, PR_1493).p_value)


@given(SCORES, SCORES, st.floats(-0.1, 0.1))
def test_welch_is_scipys(challenger: list[float], incumbent: list[float], margin: float) -> None:
    result = welch_test(challenger, incumbent, margin)
    theirs = stats.ttest_ind(np.array(challenger) + margin, incumbent, equal_var=False, alternative="less")
    assert result.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert result.df == pytest.approx(theirs.df)
    assert result.statistic == pytest.approx(-theirs.statistic)
    both = stats.ttest_ind(challenger, incumbent, equal_var=False).confidence_interval(0.95)
    assert result.ci95 == pytest.approx((both.low, both.high))


@given(SCORES, st.floats(0.5, 2.0))
def test_one_sample_is_scipys(values: list[float], target: float) -> None:
    theirs = stats.ttest_1samp(values, target, alternative="less")
    assert one_sample_test(values, target).p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


def test_too_little_is_no_test() -> None:
    assert summary([1.5]).std is None
    assert summary([1.5]).ci95 is None
    for call in (
        lambda: welch_test([1.0], [1.0, 2.0]),
        lambda: one_sample_test([1.0], 1.0),
        lambda: summary([]),
        lambda: published_test([1.0, 2.0], 1.0, 0.1, 1),
    ):
        with pytest.raises(ValueError, match="at least"):
            call()
    with pytest.raises(ValueError, match="finite"):
        welch_test([1.0, math.nan], [1.0, 2.0])


def test_scores_without_any_spread_have_a_limit() -> None:
    assert welch_test([1.0, 1.0], [2.0, 2.0]).p_value == 0.0
    assert welch_test([2.0, 2.0], [1.0, 1.0]).p_value == 1.0
    assert welch_test([1.0, 1.0], [1.0, 1.0]).p_value == 0.5


@given(SCORES, SCORES, st.floats(0.001, 0.1))
def test_a_margin_is_a_handicap_of_the_challenger(challenger: list[float], incumbent: list[float], by: float) -> None:
    with_margin, without = welch_test(challenger, incumbent, by), welch_test(challenger, incumbent)
    handicapped = welch_test([value + by for value in challenger], incumbent)
    assert with_margin.p_value == pytest.approx(handicapped.p_value, rel=1e-6, abs=1e-12)
    assert with_margin.statistic < without.statistic
    # The margin is in the claim, not in what was measured.
    assert (with_margin.difference, with_margin.ci95) == (without.difference, without.ci95)
    reverse = welch_test(incumbent, challenger)
    assert reverse.p_value == pytest.approx(1 - without.p_value, abs=1e-9)


def test_the_interval_of_a_few_seeds_is_students() -> None:
    result = summary([1.0, 2.0, 4.0])
    assert (result.n, result.mean, result.std) == (3, pytest.approx(7 / 3), pytest.approx(math.sqrt(7 / 3)))
    half = 4.302653 * math.sqrt(7 / 3) / math.sqrt(3)
    assert result.ci95 == pytest.approx((7 / 3 - half, 7 / 3 + half))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_everywhere(value: float) -> None:
    for call in (
        lambda: summary([1.0, value]),
        lambda: welch_test([1.0, 2.0], [1.0, value]),
        lambda: one_sample_test([1.0, value], 1.0),
        lambda: one_sample_test([1.0, 2.0], value),
        lambda: published_test([1.0, 2.0], value, 0.1, 3),
        lambda: welch_test([1.0, 2.0], [1.0, 2.0], value),
        lambda: pool([[1.0, value]]),
        lambda: rank_test([1.0, value], [1.0]),
    ):
        with pytest.raises(ValueError, match="finite"):
            call()


def test_pr_611s_claim_and_what_is_wrong_with_it() -> None:
    theirs = one_sample(published(0.5601, 0.0107, 3), 0.6430 - 0.005)
    assert (round(theirs.statistic, 2), theirs.df, round(theirs.p_value, 4)) == (12.61, 2, 0.0031)
    assert theirs.p_value > 0.001  # "p << 0.01" it is not
    sound = welch_test(PR_611, PR_596, 0.0030)
    assert sound.df == pytest.approx(2.15, abs=0.01)
    assert sound.p_value == pytest.approx(0.0023, abs=0.0001)


def test_values_that_are_equal_have_no_spread_whatever_rounding_says() -> None:
    assert np.std([0.1, 0.1, 0.1], ddof=1) > 0
    assert summary([0.1, 0.1, 0.1]).std == 0
    assert one_sample_test([0.1, 0.1, 0.1], 0.1).p_value == 0.5
    assert welch_test([1.0, 1.0], [1.005, 1.005], 0.005).p_value == 0.5
    assert welch_test([1.0, 1.0], [1.005, 1.005], 0.004).p_value == 0.0


def test_one_arm_without_spread_leaves_the_others_degrees_of_freedom() -> None:
    result = welch_test([1.0, 1.0, 1.0], [1.1, 1.2, 1.4])
    assert result.df == pytest.approx(2)
    assert result.p_value == pytest.approx(one_sample_test([-1.1, -1.2, -1.4], -1.0).p_value)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e100])
def test_the_unit_does_not_matter(scale: float) -> None:
    result = welch_test([x * scale for x in PR_1514], [x * scale for x in PR_1493])
    assert result.p_value == pytest.approx(welch_test(PR_1514, PR_1493).p_value)
    assert result.df == pytest.approx(2.614015, abs=1e-5)


def test_numbers_without_a_variance_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be scores of one recipe"):
        welch_test([1e300, -1e300], [1.0, 2.0])
    with pytest.raises(ValueError, match="plain list"):
        welch_test([[1.0, 2.0]], [1.0, 2.0])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="finite"):
        welch_test([1.0, None], [1.0, 2.0])  # type: ignore[list-item]
    assert welch_test((1, 2, 4), np.array([3, 5])).p_value == welch_test([1.0, 2.0, 4.0], [3.0, 5.0]).p_value


@given(SCORES, SCORES, st.floats(-1, 1), st.floats(0.1, 10))
def test_shift_and_scale_change_no_p(challenger: list[float], incumbent: list[float], by: float, factor: float) -> None:
    result = welch_test(challenger, incumbent, 0.01)
    moved = [[factor * (value + by) for value in side] for side in (challenger, incumbent)]
    assert welch_test(*moved, 0.01 * factor).p_value == pytest.approx(result.p_value, rel=1e-6, abs=1e-9)


def simulated(shape: tuple[int, int], std: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of simulated rows of seeds, [rows]."""
    x = np.random.default_rng(seed).normal(0, std, shape)
    return x.mean(1), x.var(1, ddof=1)


def within(share: float, nominal: float, runs: int) -> bool:
    """Whether a simulated share is what chance makes of a nominal one (three standard errors)."""
    return abs(share - nominal) < 3 * math.sqrt(nominal * (1 - nominal) / runs)


RUNS = 100_000


@pytest.mark.parametrize(("n", "m", "ratio"), [(3, 3, 1.0), (3, 3, 3.0), (3, 5, 1.0), (8, 8, 1.0)])
def test_welch_keeps_its_size_and_its_interval_covers(n: int, m: int, ratio: float) -> None:
    c, i = simulated((RUNS, n)), simulated((RUNS, m), ratio, seed=1)
    difference, error, df = welch_parts(*c, n, *i, m)
    _, p = p_values(-difference, error, df)
    for level in (0.01, 0.05, 0.25):
        share = float(np.mean(p < level))
        assert level / 2 < share < level * 1.12 + 3 * math.sqrt(level / RUNS), (level, share)
    half = stats.t.ppf(0.975, df) * error
    assert 0.945 < np.mean(np.abs(difference) <= half) < 0.985


def test_welchs_known_weakness_is_as_large_as_it_says() -> None:
    """The arm with fewer seeds spreads more: 1.4 % at a nominal 1 %."""
    c, i = simulated((RUNS, 5)), simulated((RUNS, 3), 2.0, seed=1)
    difference, error, df = welch_parts(*c, 5, *i, 3)
    assert np.mean(p_values(-difference, error, df)[1] < 0.01) == pytest.approx(0.014, abs=0.001)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_one_sample_test_and_interval_are_exact(n: int) -> None:
    mean, variance = simulated((RUNS, n))
    error = np.sqrt(variance / n)
    assert within(float(np.mean(p_values(-mean, error, n - 1)[1] < 0.01)), 0.01, RUNS)
    assert within(float(np.mean(np.abs(mean) <= quantile(0.975, n - 1) * error)), 0.95, RUNS)


def test_a_pooled_deviation_is_exact_where_variances_are_equal() -> None:
    x = np.random.default_rng(2).normal(0, 1, (1500, 6, 3))
    claimed = covered = unequal = 0
    for rows in x:
        pooled = pool(rows.tolist())
        result = pooled_test(rows[0].tolist(), rows[1].tolist(), pooled)
        claimed += result.p_value < 0.05
        covered += result.ci95[0] <= 0 <= result.ci95[1]
        unequal += not pooled.sound
    assert pooled.df == 12
    assert within(claimed / 1500, 0.05, 1500)
    assert within(covered / 1500, 0.95, 1500)
    assert 0.025 < unequal / 1500 < 0.065


def test_a_pool_counts_no_training_twice() -> None:
    """Eight recipes on the same trainings against a challenger of its own: 4.4 % at a nominal 1 % if pooled apart."""
    x = np.random.default_rng(4).normal(0, 1, (6000, 2, 3))
    claimed = counted = 0
    for challenger, incumbent in x:
        c, i = challenger.tolist(), incumbent.tolist()
        rows = [c, *([*i] for _ in range(8))]
        claimed += pooled_test(c, i, pool(rows, [0] + [1] * 8)).p_value < 0.01
        counted += pooled_test(c, i, pool(rows)).p_value < 0.01
    assert claimed / 6000 < 0.0125
    assert counted / 6000 > 0.015  # 0.044 without the guard


def test_a_pooled_test_of_a_wild_challenger_is_welchs() -> None:
    calm = np.random.default_rng(5).normal(1.0, 0.001, (6, 3)).tolist()
    wild = [0.975, 0.985, 0.995]
    assert pooled_test(wild, calm[0], pool([wild, *calm])).p_value == welch_test(wild, calm[0]).p_value
    tame = [0.996, 0.9972, 0.9968]
    test = pooled_test(tame, calm[0], pool([tame, *calm]))
    assert test.p_value == stats.t.sf(test.statistic, test.df) < welch_test(tame, calm[0]).p_value


def test_a_pool_of_shared_trainings_by_hand() -> None:
    pooled = pool([[1.0, 2.0, 3.0], [5.0, 9.0], [0.0, 6.0], [4.0]], ["a", "b", "a", "b"])
    assert (pooled.df, pooled.rows, pooled.trainings) == (2 + 1, 3, 2)
    shared = (2 * 1.0 + 1 * 18.0) / 3  # of both rows of a, by their degrees of freedom
    assert pooled.std == pytest.approx(math.sqrt((2 * shared + 8.0) / 3))
    assert pool([[1.0, 2.0], [1.0, 9.0]], ["a", "a"]).equal_p is None
    three = [[1.0, 2.0, 3.0], [5.0, 9.0, 1.0, 4.0], [0.0, 6.0]]
    assert pool([*three, three[1]], ["a", "b", "c", "b"]).equal_p == pytest.approx(stats.bartlett(*three).pvalue)


def test_a_pool_is_the_mean_of_variances_by_degrees_of_freedom() -> None:
    rows = [[1.0, 2.0, 3.0], [5.0, 9.0], [4.0]]
    pooled = pool(rows)
    assert (pooled.std, pooled.df, pooled.rows) == (pytest.approx(math.sqrt((2 * 1 + 8) / 3)), 3, 2)
    assert pooled.equal_p == pytest.approx(stats.bartlett(rows[0], rows[1]).pvalue)
    assert pool([[1.0, 1.0], [1.0, 2.0]]).equal_p == 0.0
    assert pool([[1.0, 1.0], [3.0, 3.0]]).equal_p is None
    assert pool([[1.0, 1.1]]).equal_p is None
    wave = [1.2 + 0.004 * math.sin(3 * seed) for seed in (3, 4, 5)]
    assert pool([wave, [value + 0.009 for value in wave]]).equal_p == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no recipe has two seeds"):
        pool([[1.0], [2.0]])
    student = stats.ttest_ind([1.0, 2.0, 3.0], [1.5, 2.5], alternative="less")
    two = [[1.0, 2.0, 3.0], [1.5, 2.5]]
    assert pooled_test(*two, pool(two)).p_value == pytest.approx(student.pvalue)


def test_a_rank_test_of_three_seeds_is_refused_with_its_smallest_p() -> None:
    assert smallest_rank_p(3, 3) == 0.05
    with pytest.raises(ValueError, match=r"3 against 3 seeds cannot go below p = 0\.05.*5 against 5"):
        rank_test(PR_1514, PR_1493)
    better, worse = [float(x) for x in range(5)], [float(x) for x in range(10, 15)]
    assert rank_test(better, worse) == pytest.approx(1 / 252)
    with pytest.raises(ValueError, match="three cover 74 %"):
        percentile_bootstrap(PR_1514, np.random.default_rng(0))
    values = np.random.default_rng(0).normal(0, 1, 200)
    low, high = percentile_bootstrap(values.tolist(), np.random.default_rng(1))
    assert (low, high) == pytest.approx(summary(values.tolist()).ci95, abs=0.01)


def test_means_and_deviations_are_as_good_as_the_values() -> None:
    c, i = moments(PR_1514), moments(PR_1493)
    assert welch(c, published(i.mean, i.std, 3), 0.001).p_value == pytest.approx(
        welch_test(PR_1514, PR_1493, 0.001).p_value
    )
