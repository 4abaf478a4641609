"""Many recipes at once: corrections against their definitions, scipy's Dunnett test, and the best of noise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweeps.statistics import dunnett, expected_lowest, holm, pool, pooled_test, welch_test


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


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="p-values"):
        holm([0.5, p])


def test_dunnett_for_one_claim_is_students_test_and_for_more_a_little_larger() -> None:
    rows = np.random.default_rng(0).normal([[1.0], [1.1], [1.1]], 0.05, (3, 4)).tolist()
    student = stats.ttest_ind(np.add(rows[0], 0.01), rows[1], alternative="less").pvalue
    assert dunnett([rows[0]], rows[1], 0.01) == [pytest.approx(student, rel=1e-9)]
    both = dunnett([rows[0], rows[2]], rows[1], 0.01)
    [alone] = dunnett([rows[0]], rows[1], 0.01, pool(rows))
    assert alone < both[0] < 2 * alone  # between no correction and Bonferroni's
    assert dunnett([], rows[1]) == []
    assert dunnett([[1.0, 1.0]], [2.0, 2.0]) == [0.0]
    with pytest.raises(ValueError, match="at least 2"):
        dunnett([[1.0]], rows[0])


def test_dunnett_is_scipys_with_any_numbers_of_seeds() -> None:
    generator = np.random.default_rng(2)
    rows = [generator.normal(1 + 0.05 * n, 0.05, n).tolist() for n in (2, 3, 3, 5, 8)]
    theirs = stats.dunnett(*rows[:-1], control=rows[-1], alternative="less", rng=np.random.default_rng(0)).pvalue
    assert dunnett(rows[:-1], rows[-1]) == pytest.approx(theirs, abs=3e-4)
    sure = dunnett([[1.0, 1.001, 1.002]] * 40, [1.02, 1.021, 1.022])
    assert all(0 < p < 1e-12 for p in sure)


def test_dunnett_counts_no_training_twice() -> None:
    """Recipes that evaluate the baseline's own trainings add nothing to what is known of the spread."""
    challenger, base, shared = [1.0, 1.2, 1.4], [1.5, 1.6, 2.0], [1.6, 1.7, 2.1]
    pooled = pool([challenger, base, shared], ["a", "b", "b"])
    alone = [pooled_test(row, base, pooled).p_value for row in (challenger, shared)]
    assert dunnett([challenger], base, pooled=pooled) == [pytest.approx(alone[0], rel=1e-9)]
    both = dunnett([challenger, shared], base, pooled=pooled)
    assert alone[0] < both[0] < 2 * alone[0]
    assert dunnett([challenger, shared], base)[0] < both[0]


def test_corrections_keep_false_claims_of_a_family_rare() -> None:
    generator = np.random.default_rng(1)
    runs, claimed = 150, {"holm": 0, "dunnett": 0}
    for _ in range(runs):
        base, *rows = generator.normal(0, 1, (5, 3)).tolist()
        claimed["holm"] += min(holm([welch_test(row, base).p_value for row in rows])) < 0.1
        claimed["dunnett"] += min(dunnett(rows, base)) < 0.1
    error = math.sqrt(0.1 * 0.9 / runs)
    assert claimed["holm"] / runs < 0.1 + 3 * error
    assert abs(claimed["dunnett"] / runs - 0.1) < 3 * error


@pytest.mark.parametrize(
    ("trials", "sd"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (20, 1.867), (200, 2.746), (500, 3.037)]
)
def test_the_best_of_many_by_noise_alone(trials: int, sd: float) -> None:
    assert expected_lowest(trials, 2.0) == pytest.approx(-2 * sd, abs=0.002)
    drawn = np.random.default_rng(trials).normal(0, 2, (20_000, min(trials, 50))).min(1).mean()
    assert expected_lowest(min(trials, 50), 2.0) == pytest.approx(drawn, abs=0.05)
    with pytest.raises(ValueError, match="at least 1 trial"):
        expected_lowest(0, 1.0)
