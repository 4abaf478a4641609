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
