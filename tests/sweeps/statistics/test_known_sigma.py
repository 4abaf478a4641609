"""Tests with a known deviation, against scipy's normal distribution."""

import math

import pytest
from scipy import stats

from sweeps.statistics import moments
from sweeps.statistics.estimate import Moments
from sweeps.statistics.known_sigma import known_sigma, known_sigma_pair


def test_one_sample_is_the_z_test() -> None:
    values = [3.2772, 3.27764, 3.27754, 3.27797]
    result = known_sigma(moments(values), 3.28, 0.0013)
    z = (3.28 - sum(values) / 4) / (0.0013 / 2)
    assert result.statistic == pytest.approx(z, rel=1e-9)
    assert result.p_value == pytest.approx(stats.norm.sf(z), rel=1e-9)
    assert result.df == math.inf
    low, high = stats.norm.interval(0.95, loc=sum(values) / 4 - 3.28, scale=0.0013 / 2)
    assert result.ci95 == pytest.approx((low, high), rel=1e-9)


def test_the_rule_of_track_3_is_z_above_three() -> None:
    result = known_sigma(Moments(mean=3.276, variance=0.0, n=1), 3.28, 0.0013)
    assert result.statistic == pytest.approx(0.004 / 0.0013)
    assert result.p_value == pytest.approx(0.0010467, abs=1e-6)


def test_two_samples_share_the_deviation_and_the_margin_may_be_negative() -> None:
    ours, theirs = Moments(mean=3.2778, variance=9.0, n=4), Moments(mean=3.2771, variance=9.0, n=8)
    plain, allowed = known_sigma_pair(ours, theirs, 0.0013), known_sigma_pair(ours, theirs, 0.0013, -0.0045)
    error = 0.0013 * math.sqrt(1 / 4 + 1 / 8)
    assert plain.statistic == pytest.approx(-0.0007 / error)
    assert allowed.statistic == pytest.approx((0.0045 - 0.0007) / error)
    assert allowed.p_value == pytest.approx(stats.norm.sf((0.0045 - 0.0007) / error))
    assert allowed.difference == plain.difference == pytest.approx(0.0007)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_a_deviation_is_above_zero_and_finite(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma"):
        known_sigma(Moments(mean=1.0, variance=0.0, n=2), 2.0, sigma)
