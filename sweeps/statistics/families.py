"""Many recipes at once: corrections of p-values, and the selection bias of the best of many."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sweeps.statistics.estimate import Floats, finite, finite_number, moments
from sweeps.statistics.pooled import Pool, pool
from sweeps.statistics.seeds import welch

_NODES = 64
_POINTS = 721
"""Points of a trapezoid sum; half as many give the same to the last digits."""
_REACH = 8.0
"""Bound of the integral, in standard deviations."""
_TAIL = 1e-15
"""Probability of a deviation outside the bounds of the integral, on either side."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values by Holm's step-down method, which controls the chance of any false claim.

    Source: Holm 1979, Scand. J. Stat. 6.

    Args:
        p_values: of any tests [tests].

    Returns:
        Adjusted p-values in the same order.

    Raises:
        ValueError: a p-value is not between 0 and 1.
    """
    p = finite(p_values, 0, "p-values")
    if ((p < 0) | (p > 1)).any():
        raise ValueError("p-values: all must be between 0 and 1")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, (p.size - np.arange(p.size)) * p[order]))
    return [float(value) for value in adjusted]


def dunnett(
    challengers: Sequence[Sequence[float]],
    baseline: Sequence[float],
    margin: float = 0.0,
    pooled: Pool | None = None,
) -> list[float]:
    """Test that each challenger is lower than one baseline by more than the margin, corrected for all of them.

        1 − P(T_j ≤ t for every j),  T_j = (λ_j·Z_0 + √(1 − λ_j²)·Z_j) / S,  λ_j² = n_j/(n_j + n_0),  S² = χ²_df/df

    Dunnett's test (1955, JASA 50) uses that the claims share a baseline, and pools the variance. It is more powerful
    than Holm's correction of Welch tests where variances are equal, and wrong where they are not (`pool` checks that).
    Recipes that share trainings are more correlated than λ says, which is conservative (Slepian 1962) as long as the
    pool does not count them as independent. The integrals over Z_0 and S are Gauss–Legendre's, accurate to 1e-8.

    Args:
        challengers: scores of each challenger [seeds].
        baseline: scores [seeds].
        margin: δ, in the unit of the scores.
        pooled: the pooled variance; None pools these recipes as trained separately.

    Returns:
        One p-value for each challenger.

    Raises:
        ValueError: a recipe has fewer than two seeds, or a score is not finite.
    """
    finite_number(margin, "margin")
    base, sides = moments(baseline, name="baseline"), [moments(scores, name="challenger") for scores in challengers]
    if not sides:
        return []
    if not any(side.variance > 0 for side in (base, *sides)):  # the limit is the same for one claim and for many
        return [welch(side, base, margin).p_value for side in sides]
    shared = pooled or pool([*challengers, baseline])
    n, mean = np.array([side.n for side in sides]), np.array([side.mean for side in sides])
    t = (base.mean - margin - mean) / (shared.std * np.sqrt(1 / n + 1 / base.n))
    share, count = np.unique(n / (n + base.n), return_counts=True)
    return [min(1.0, _any_above(float(value), share, count, shared.df)) for value in t]


def _any_above(t: float, share: Floats, count: NDArray[np.int64], df: int) -> float:
    """1 − P(T_j ≤ t for every j) of Dunnett's T, where `count` of them have each λ² of `share` [kinds]."""
    x, width = np.polynomial.legendre.leggauss(_NODES)
    z = _REACH * x
    low, high = np.sqrt(special.chdtri(df, [1 - _TAIL, _TAIL]) / df)
    s = low + (high - low) * (x + 1) / 2
    logarithm = math.log(2) + df / 2 * math.log(df / 2) - special.gammaln(df / 2) + (df - 1) * np.log(s)
    density = np.exp(logarithm - df * s**2 / 2)
    below = special.log_ndtr((t * s[:, None, None] - np.sqrt(share) * z[:, None]) / np.sqrt(1 - share))
    over_z = -np.expm1(below @ count) @ (_REACH * width * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))
    return float((high - low) / 2 * width * density @ over_z)


def expected_lowest(trials: int, std: float) -> float:
    """Expected gain by chance: how far below their mean the best of several equally good trials is expected.

        E[min] = −std · ∫ x·N·φ(x)·Φ(x)^(N − 1) dx      (normal order statistics; 1.87 for 20, 2.75 for 200)

    Args:
        trials: N, at least 1.
        std: standard deviation of a trial's noise, in the unit of the scores.

    Returns:
        A difference in the unit of the scores, 0 or below.

    The trapezoid sum is exact but for rounding: the integrand is smooth and vanishes at both ends.

    Raises:
        ValueError: no trial, or a deviation below 0.
    """
    if trials < 1 or finite_number(std, "std") < 0:
        raise ValueError(
            f"{trials} trials with deviation {std}: expected at least 1 trial, and a deviation of 0 or more"
        )
    if trials == 1:
        return 0.0
    x, width = np.linspace(-9, 9, _POINTS, retstep=True)
    density = x * trials * np.exp(-(x**2) / 2 + (trials - 1) * special.log_ndtr(x)) / math.sqrt(2 * math.pi)
    return -std * float(width) * math.fsum(density)
