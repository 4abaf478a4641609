"""Pairs of documents, and seeds with documents, against scipy, plain references and simulations."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from golf.score import LN2
from sweeps.statistics import mean_documents, paired_test, two_way_test, welch_test


def documents(nll: list[float], num_bytes: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"document": range(len(nll)), "nll": nll, "tokens": [n // 2 for n in num_bytes], "bytes": num_bytes}
    )


@given(st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9)), min_size=2, max_size=20), st.integers(10, 1000))
def test_on_documents_of_equal_length_the_paired_test_is_students(pairs: list[tuple[float, float]], size: int) -> None:
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    if np.std(a - b) < 1e-6:
        return
    result = paired_test(documents(a.tolist(), [size] * len(a)), documents(b.tolist(), [size] * len(b)))
    theirs = stats.ttest_rel(a, b, alternative="less")
    assert result.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert result.difference == pytest.approx((a - b).sum() / (size * len(a)) / math.log(2))


def test_paired_scores_are_matched_by_document_and_must_be_of_the_same_text() -> None:
    a, b = documents([3.0, 5.0, 9.0], [10, 20, 30]), documents([4.0, 6.5, 9.2], [10, 20, 30])
    assert paired_test(a, b.sample(frac=1, random_state=1)) == paired_test(a, b)
    for column, shown in (("document", "documents"), ("tokens", "tokens"), ("bytes", "bytes")):
        other = b.copy()
        other.loc[1, column] += 7
        with pytest.raises(ValueError, match=f"differ in their {shown}[;:]"):
            paired_test(a, other)
    with pytest.raises(ValueError, match="documents"):
        paired_test(a[:2], b)


@given(
    st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9), st.integers(5, 500)), min_size=2, max_size=20).filter(
        lambda rows: np.std([(a - b) / size for a, b, size in rows]) > 1e-6
    )
)
def test_long_documents_weigh_by_their_bytes(rows: list[tuple[float, float, int]]) -> None:
    a, b, sizes = (list(column) for column in zip(*rows, strict=True))
    result = paired_test(documents(a, sizes), documents(b, sizes))
    n, total = len(rows), sum(sizes)
    mean = sum((x - y) / math.log(2) for x, y, _ in rows) / total
    squares = sum(((x - y) / math.log(2) - mean * size) ** 2 for x, y, size in rows)
    error = math.sqrt(n / (n - 1) * squares) / total
    assert result.difference == pytest.approx(mean)
    assert result.df == n - 1
    assert result.p_value == pytest.approx(stats.t.cdf(mean / error, n - 1), rel=1e-6, abs=1e-12)
    half = stats.t.ppf(0.975, n - 1) * error
    assert result.ci95 == pytest.approx((mean - half, mean + half))


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


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (lambda table: table[:2], "document 2 is in one only"),
        (lambda table: pd.concat([table, table[:1]]), "document 0 appears twice"),
        (lambda table: table[:0], "0 given"),
        (lambda table: table.drop(columns="bytes"), "no column bytes"),
        (lambda table: table.assign(bytes=0), "not all 0"),
        (lambda table: table.assign(bytes=[10, -1, 30]), "0 or more"),
        (lambda table: table.assign(nll=[1.0, math.nan, 2.0]), "finite"),
        (lambda table: table.assign(nll=[1.0, math.inf, 2.0]), "finite"),
    ],
)
def test_what_is_not_the_same_text_twice_is_refused(spoilt: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    good = documents([3.0, 5.0, 9.0], [10, 20, 30])
    for pair in ((good, spoilt(good)), (spoilt(good), good)):
        with pytest.raises(ValueError, match=words):
            paired_test(*pair)
    with pytest.raises(ValueError, match=words):
        two_way_test([good, spoilt(good)], [good, good])


def test_one_document_is_no_sample_and_equal_scores_show_nothing() -> None:
    lone = documents([3.0], [10])
    with pytest.raises(ValueError, match="1 given; at least 2"):
        paired_test(lone, lone)
    good = documents([3.0, 5.0, 9.0], [10, 20, 30])
    assert paired_test(good, good).p_value == 0.5
    assert paired_test(good, good).ci95 == (0.0, 0.0)


def test_two_sides_swapped_are_the_complement() -> None:
    a, b = documents([3.0, 5.0, 9.0], [10, 20, 30]), documents([4.0, 4.5, 9.2], [10, 20, 30])
    assert paired_test(a, b).p_value == pytest.approx(1 - paired_test(b, a).p_value)
    assert paired_test(a, b).difference == -paired_test(b, a).difference


SIZES = np.random.default_rng(5).integers(200, 4000, 40)


def scored(rates: np.ndarray) -> pd.DataFrame:
    """A table of documents with these bits per byte."""
    return documents(list(rates * SIZES * LN2), list(SIZES))


def test_a_documents_only_test_of_trainings_is_wrong_and_the_two_way_test_is_not() -> None:
    """Two equal recipes, three seeds each: seeds differ by more than documents let see."""
    generator = np.random.default_rng(3)
    runs, wrong = 100, {"documents": 0, "two-way": 0}
    for _ in range(runs):
        base = generator.normal(1.2, 0.1, SIZES.size)
        sides = [
            [scored(base + generator.normal(0, 0.01) + generator.normal(0, 0.01, SIZES.size)) for _ in range(3)]
            for _ in range(2)
        ]
        wrong["two-way"] += two_way_test(*sides).p_value < 0.05
        wrong["documents"] += paired_test(*(mean_documents(side) for side in sides)).p_value < 0.05
    assert wrong["documents"] / runs > 0.2
    assert wrong["two-way"] / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_on_the_same_artifacts_seeds_are_paired() -> None:
    generator = np.random.default_rng(4)
    quality = generator.normal(1.2, 0.05, 3)
    base = [scored(q + generator.normal(0, 0.002, SIZES.size)) for q in quality]
    better = [scored(table["nll"].to_numpy() / LN2 / SIZES - 0.004) for table in base]
    paired, apart = two_way_test(better, base, same_artifacts=True), two_way_test(better, base)
    assert paired.difference == pytest.approx(apart.difference) == pytest.approx(-0.004)
    assert paired.p_value < 1e-6
    assert apart.p_value > 0.3


def test_the_two_way_error_is_the_sum_of_its_sources() -> None:
    generator = np.random.default_rng(6)
    sides = [[scored(generator.normal(1.2, 0.1, SIZES.size)) for _ in range(n)] for n in (3, 4)]
    result = two_way_test(*sides)
    scores = [[table["nll"].sum() / LN2 / SIZES.sum() for table in side] for side in sides]
    seeds = [np.var(side, ddof=1) / len(side) for side in scores]
    over = paired_test(*(mean_documents(side) for side in sides))
    error = (over.ci95[1] - over.difference) / stats.t.ppf(0.975, over.df)
    total = math.sqrt(sum(seeds) + error**2)
    df = total**4 / (seeds[0] ** 2 / 2 + seeds[1] ** 2 / 3 + error**4 / (SIZES.size - 1))
    assert result.df == pytest.approx(df)
    assert result.p_value == pytest.approx(stats.t.sf(-result.difference / total, df))
    assert result.difference == pytest.approx(welch_test(*scores).difference)


def test_too_few_seeds_for_two_ways_are_refused() -> None:
    lone = documents([3.0, 5.0], [10, 20])
    with pytest.raises(ValueError, match="at least 2 on each side"):
        two_way_test([lone], [lone, lone])
    with pytest.raises(ValueError, match="counterpart"):
        two_way_test([lone, lone, lone], [lone, lone], same_artifacts=True)
