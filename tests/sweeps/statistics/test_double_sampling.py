"""The mean over trained seeds of which some were evaluated: the estimator, its coverage, and the cheapest mix."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import measure_coverage
from sweeps.statistics import summary
from sweeps.statistics.double_sampling import cheapest_mix, fit_within, regression_mean

BEFORE, FINAL = [1.20, 1.21, 1.225], [1.101, 1.1095, 1.1262]


def test_the_line_of_one_recipe_is_the_usual_regression() -> None:
    line, usual = fit_within([(BEFORE, FINAL)]), stats.linregress(BEFORE, FINAL)
    assert line.slope == pytest.approx(usual.slope)
    assert line.correlation == pytest.approx(usual.rvalue)
    assert (line.residual_variance / line.sxx) ** 0.5 == pytest.approx(usual.stderr)
    moved = ([x + 0.5 for x in BEFORE], [y - 0.1 for y in FINAL])
    both = fit_within([(BEFORE, FINAL), moved])  # another recipe's level says nothing of the slope
    assert both.slope == pytest.approx(line.slope)
    assert both.df == 3


def test_without_further_seeds_the_mean_stays() -> None:
    estimate = regression_mean(fit_within([(BEFORE, FINAL)]), (BEFORE, FINAL), [])
    assert estimate.mean == pytest.approx(np.mean(FINAL))
    assert (estimate.trained, estimate.evaluated) == (3, 3)


def test_further_seeds_move_the_mean_along_the_line_and_narrow_the_interval() -> None:
    others = [([x + k for x in BEFORE], [y + k / 2 for y in FINAL]) for k in (0.1, 0.2)]
    line, further = fit_within([(BEFORE, FINAL), *others]), [1.23, 1.24, 1.22, 1.21, 1.215, 1.235]
    estimate = regression_mean(line, (BEFORE, FINAL), further)
    shift = np.mean([*BEFORE, *further]) - np.mean(BEFORE)
    assert estimate.mean == pytest.approx(np.mean(FINAL) + line.slope * shift)
    alone = summary(FINAL).ci95
    assert alone is not None
    assert estimate.ci95[1] - estimate.ci95[0] < (alone[1] - alone[0]) / 2


def test_what_allows_no_line_is_refused() -> None:
    for recipes in ([], [([1.0, 1.1], [1.0, 1.1])], [([1.0, 1.0, 1.0], FINAL)]):
        with pytest.raises(ValueError, match="regression"):
            fit_within(recipes)


@pytest.mark.parametrize("correlation", [0.988, 0.5])
def test_its_intervals_cover_at_their_rate(correlation: float) -> None:
    """2,000 runs: three standard errors are 1.5 %."""
    assert measure_coverage(2000, correlation)["regression covers"] == pytest.approx(0.95, abs=0.017)


def test_the_mix_is_the_cheapest_of_all() -> None:
    """Cost of n evaluated and r·n trained seeds for a variance of 1: n = (1 − ρ²) + ρ²/r."""
    train, evaluate, rho = 100.0, 900.0, 0.95
    ratio = np.linspace(1, 30, 20_000)
    cost = ((1 - rho**2) + rho**2 / ratio) * (evaluate + ratio * train) / (train + evaluate)
    mix = cheapest_mix(train, evaluate, rho)
    assert mix.trained_per_evaluated == pytest.approx(ratio[cost.argmin()], abs=0.01)
    assert mix.cost_share == pytest.approx(cost.min(), rel=1e-6)
    assert cheapest_mix(1000.0, 1.0, 0.5).cost_share == 1.0
