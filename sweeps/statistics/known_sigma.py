"""Tests with a standard deviation that is known beforehand, so that few runs suffice and none of them can inflate it.

    one sample   z = (target − x̄) / (σ/√n)
    two samples  z = (x̄_i − x̄_c − δ) / (σ·√(1/n_c + 1/n_i))

modded-nanogpt's track 3 takes σ = 0.0013 nats per token for the loss of one run and asks for (3.28 − x̄)·√n ≥ 0.004,
which is z ≥ 3.08, p ≤ 0.00105.
"""

import math

from sweeps.statistics.estimate import CONFIDENCE, Moments, TestResult, finite_number, p_values, quantile, settled_gain


def known_sigma(values: Moments, target: float, sigma: float) -> TestResult:
    """Test that the mean is lower than an exact number, with a known standard deviation of one value.

    Args:
        values: mean and number of values; their variance is not used.
        target: in the unit of the values.
        sigma: the known standard deviation, above 0.

    Raises:
        ValueError: the target or σ is not finite, or σ is not above 0.
    """
    finite_number(target, "target")
    return _test(values.mean - target, sigma, values.n, 0.0, abs(values.mean) + abs(target))


def known_sigma_pair(challenger: Moments, incumbent: Moments, sigma: float, margin: float = 0.0) -> TestResult:
    """Test that the challenger's mean is lower by more than the margin, with one known standard deviation.

    Args:
        challenger: mean and number of values; likewise `incumbent`.
        incumbent: what it is compared with.
        sigma: the known standard deviation of one value, above 0.
        margin: δ, in the unit of the values; negative where the challenger may be higher by so much.

    Raises:
        ValueError: the margin or σ is not finite, or σ is not above 0.
    """
    finite_number(margin, "margin")
    c, i = challenger, incumbent
    scale = abs(c.mean) + abs(i.mean) + abs(margin)
    return _test(c.mean - i.mean, sigma, 1 / (1 / c.n + 1 / i.n), margin, scale)


def _test(difference: float, sigma: float, weight: float, margin: float, scale: float) -> TestResult:
    if not finite_number(sigma, "sigma") > 0:
        raise ValueError(f"sigma = {sigma}: must be above 0")
    error = sigma / math.sqrt(weight)
    z, p = p_values(settled_gain(difference, margin, scale), error, math.inf)
    half = quantile(0.5 + CONFIDENCE / 2, math.inf) * error
    interval = (difference - half, difference + half)
    return TestResult(statistic=float(z), df=math.inf, p_value=float(p), difference=difference, ci95=interval)
