"""Tests and intervals against published records, scipy, plain references and simulations."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sweeps.statistics import holm, one_sample_test, paired_test, published_test, summary, welch_test

PR_1493, PR_1514 = [1.08079, 1.08103, 1.08118], [1.07928348, 1.07996676, 1.08024795]
PR_1736 = [1.06610085, 1.06473025, 1.06562743]
PR_1769 = [1.06356801, 1.06413130, 1.06466993, 1.06509678, 1.06516558]
SCORES = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=8).filter(lambda x: np.std(x) > 1e-6)
BIG = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("challenger", "incumbent", "t", "df", "p"),
    [(PR_1514, PR_1493, 3.79, 2.61, 0.020), (PR_1769, PR_1736, 1.91, 4.23, 0.063)],
)
def test_public_records(challenger: list[float], incumbent: list[float], t: float, df: float, p: float) -> None:
    found = welch_test(challenger, incumbent)
    assert (round(found.statistic, 2), round(found.df, 2), round(found.p_value, 3)) == (t, df, p)


def test_a_record_of_which_only_mean_and_deviation_are_known() -> None:
    values = [0.5601 + 0.0107 * x for x in (-1.0, 0.0, 1.0)]
    found = one_sample_test(values, 0.6430 - 0.005)
    assert found.statistic == pytest.approx(12.61, abs=0.005)
    assert found.df == 2
    assert found.p_value == pytest.approx(0.0031, abs=5e-5)
    theirs = published_test(PR_1514, float(np.mean(PR_1493)), float(np.std(PR_1493, ddof=1)), 3)
    assert theirs.p_value == pytest.approx(welch_test(PR_1514, PR_1493).p_value)


@BIG
@given(SCORES, SCORES, st.floats(-0.1, 0.1))
def test_welch_is_scipys(challenger: list[float], incumbent: list[float], margin: float) -> None:
    found = welch_test(challenger, incumbent, margin)
    theirs = stats.ttest_ind(np.array(challenger) + margin, incumbent, equal_var=False, alternative="less")
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert found.df == pytest.approx(theirs.df)
    assert found.statistic == pytest.approx(-theirs.statistic)
    both = stats.ttest_ind(challenger, incumbent, equal_var=False).confidence_interval(0.95)
    assert found.ci95 == pytest.approx((both.low, both.high))


@BIG
@given(SCORES, st.floats(0.5, 2.0))
def test_one_sample_is_scipys(values: list[float], target: float) -> None:
    theirs = stats.ttest_1samp(values, target, alternative="less")
    assert one_sample_test(values, target).p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


def documents(nll: list[float], num_bytes: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"document": range(len(nll)), "nll": nll, "tokens": [n // 2 for n in num_bytes], "bytes": num_bytes}
    )


@BIG
@given(st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9)), min_size=2, max_size=20), st.integers(10, 1000))
def test_on_documents_of_equal_length_the_paired_test_is_students(pairs: list[tuple[float, float]], size: int) -> None:
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    if np.std(a - b) < 1e-6:
        return
    found = paired_test(documents(a.tolist(), [size] * len(a)), documents(b.tolist(), [size] * len(b)))
    theirs = stats.ttest_rel(a, b, alternative="less")
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert found.difference == pytest.approx((a - b).sum() / (size * len(a)) / math.log(2))


def test_paired_scores_are_matched_by_document_and_must_be_of_the_same_text() -> None:
    a, b = documents([3.0, 5.0, 9.0], [10, 20, 30]), documents([4.0, 6.5, 9.2], [10, 20, 30])
    assert paired_test(a, b.sample(frac=1, random_state=1)) == paired_test(a, b)
    for column in ("document", "tokens", "bytes"):
        other = b.copy()
        other.loc[1, column] += 7
        with pytest.raises(ValueError, match=f"differ in their {column}s"):
            paired_test(a, other)
    with pytest.raises(ValueError, match="documents"):
        paired_test(a[:2], b)


@BIG
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_is_the_step_down_rule(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    n = len(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, index in enumerate(sorted(range(n), key=lambda i: p_values[i])):
            if p_values[index] > alpha / (n - rank):
                break
            rejected.add(index)
        # One rounding apart from α: either answer will do.
        for index in range(n):
            if abs(adjusted[index] - alpha) > 1e-12:
                assert (adjusted[index] <= alpha) == (index in rejected)


def test_intervals_cover_and_false_claims_stay_rare() -> None:
    generator = np.random.default_rng(0)
    covered = claimed = 0
    for _ in range(2000):
        a, b = generator.normal(0, 1, 3), generator.normal(0, 1, 3)
        low, high = summary(a.tolist()).ci95 or (0, 0)
        covered += low <= 0 <= high
        claimed += welch_test(a.tolist(), b.tolist()).p_value < 0.05
    assert 0.935 < covered / 2000 < 0.965
    assert claimed / 2000 < 0.05


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


@BIG
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


@BIG
@given(
    st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9), st.integers(5, 500)), min_size=2, max_size=20).filter(
        lambda rows: np.std([(a - b) / size for a, b, size in rows]) > 1e-6
    )
)
def test_long_documents_weigh_by_their_bytes(rows: list[tuple[float, float, int]]) -> None:
    a, b, sizes = (list(column) for column in zip(*rows, strict=True))
    found = paired_test(documents(a, sizes), documents(b, sizes))
    n, total = len(rows), sum(sizes)
    mean = sum((x - y) / math.log(2) for x, y, _ in rows) / total
    squares = sum(((x - y) / math.log(2) - mean * size) ** 2 for x, y, size in rows)
    error = math.sqrt(n / (n - 1) * squares) / total
    assert found.difference == pytest.approx(mean)
    assert found.df == n - 1
    assert found.p_value == pytest.approx(stats.t.cdf(mean / error, n - 1), rel=1e-6, abs=1e-12)
    half = stats.t.ppf(0.975, n - 1) * error
    assert found.ci95 == pytest.approx((mean - half, mean + half))


def test_the_interval_of_a_few_seeds_is_students() -> None:
    found = summary([1.0, 2.0, 4.0])
    assert (found.n, found.mean, found.std) == (3, pytest.approx(7 / 3), pytest.approx(math.sqrt(7 / 3)))
    half = 4.302653 * math.sqrt(7 / 3) / math.sqrt(3)
    assert found.ci95 == pytest.approx((7 / 3 - half, 7 / 3 + half))


def test_tests_of_two_evaluations_cover_at_their_nominal_rate() -> None:
    generator = np.random.default_rng(1)
    sizes = generator.integers(20, 2000, 60)
    covered = 0
    for _ in range(400):
        b = sizes * generator.normal(0.7, 0.05, 60)
        a = b + sizes * generator.normal(-0.01, 0.02, 60)
        low, high = paired_test(documents(list(a), list(sizes)), documents(list(b), list(sizes))).ci95
        covered += low <= -0.01 / math.log(2) <= high
    assert 0.92 < covered / 400 < 0.98


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_everywhere(value: float) -> None:
    good = documents([1.0, 2.0], [10, 20])
    for call in (
        lambda: summary([1.0, value]),
        lambda: welch_test([1.0, 2.0], [1.0, value]),
        lambda: one_sample_test([1.0, value], 1.0),
        lambda: one_sample_test([1.0, 2.0], value),
        lambda: published_test([1.0, 2.0], value, 0.1, 3),
        lambda: paired_test(documents([1.0, value], [10, 20]), good),
    ):
        with pytest.raises(ValueError, match="finite"):
            call()


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
