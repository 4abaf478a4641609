"""Many recipes tried: what a claim about one of them has to allow for."""

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
"""Standard deviations beyond which nothing is integrated."""
_TAIL = 1e-15
"""Chance of a deviation, on either side, beyond which nothing is integrated."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, which keeps the chance of any false claim (Holm 1979, Scand. J. Stat. 6).

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
    """p that each challenger is lower than the one baseline by more than the margin, all claims together.

        1 − P(T_j ≤ t for every j),  T_j = (λ_j·Z_0 + √(1 − λ_j²)·Z_j) / S,  λ_j² = n_j/(n_j + n_0),  S² = χ²_df/df

    Dunnett's test (1955, JASA 50) knows that the claims share a baseline and pools the variance: sharper than Holm's
    correction of Welch tests where variances are equal, and wrong where they are not (`pooled.pool` checks). Rows that
    share trainings have more in common than λ says, which errs on the cautious side (Slepian 1962) as long as the pool
    does not count them as independent. The two integrals over Z_0 and S are Gauss–Legendre's, good to 1e-8.

    Args:
        challengers: scores of each.
        baseline: scores.
        margin: δ, in the scores' unit.
        pooled: the deviation of all of them; None: they are trained apart.

    Raises:
        ValueError: fewer than two seeds in a row, or a score that is not finite.
    """
    finite_number(margin, "margin")
    base, rows = moments(baseline, name="baseline"), [moments(row, name="challenger") for row in challengers]
    if not rows:
        return []
    if not any(one.variance > 0 for one in (base, *rows)):  # the limit is the same for one claim and for many
        return [welch(row, base, margin).p_value for row in rows]
    shared = pooled or pool([*challengers, baseline])
    n, mean = np.array([row.n for row in rows]), np.array([row.mean for row in rows])
    t = (base.mean - margin - mean) / (shared.std * np.sqrt(1 / n + 1 / base.n))
    share, count = np.unique(n / (n + base.n), return_counts=True)
    return [min(1.0, _any_above(float(one), share, count, shared.df)) for one in t]


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
    """How far below the mean the best of so many equally good trials is expected, by noise of this deviation alone.

        E[min] = −std · ∫ x·N·φ(x)·Φ(x)^(N − 1) dx      (normal order statistics; 1.87 of 20, 2.75 of 200)

    The trapezoid sum is exact but for rounding: the integrand is smooth and vanishes at both ends.

    Raises:
        ValueError: no trial, or a deviation below 0.
    """
    if trials < 1 or finite_number(std, "std") < 0:
        raise ValueError(f"{trials} trials with deviation {std}: at least one trial and no negative deviation")
    if trials == 1:
        return 0.0
    x, width = np.linspace(-9, 9, _POINTS, retstep=True)
    density = x * trials * np.exp(-(x**2) / 2 + (trials - 1) * special.log_ndtr(x)) / math.sqrt(2 * math.pi)
    return -std * float(width) * math.fsum(density)
