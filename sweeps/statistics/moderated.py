"""The moderated t-test: a few seeds' variance, shrunken toward that of other recipes' trainings.

Three seeds say little of their spread, and other recipes' seeds say what spreads are usual. With s²_g ~ σ²_g·χ²_d/d and
1/σ²_g ~ χ²_d0/(d0·s0²) over recipes g, the posterior variance is

    s̃² = (d0·s0² + d·s²) / (d0 + d),  t = (x̄_i − δ − x̄_c) / (s̃·√(1/n_c + 1/n_i)),  df = d0 + d

Source: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3. Guards: the prior comes from trainings
other than the two tested, it weighs no more than their degrees of freedom, and where the wider side is out of line with
it, Welch's p counts if it is larger (`guard`). A side that spreads three times as far as all others still claims
falsely more often than the level says; `make bench-statistics` measures it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Moments, TestResult, finite, finite_number, moments, result
from sweeps.statistics.pooled import guard

FEWEST_VARIANCES = 3
"""Of separate trainings, from which a prior may be taken; of two their spread is a guess."""
SAME_SPREAD = 0.05
"""Below this p of a two-sided F test two variances are not taken for equal."""
_STEPS = 50
"""Most steps of Newton's method; a dozen are enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VariancePrior:
    """What other recipes' trainings say of a variance."""

    df: float
    """d0: how many degrees of freedom it is worth."""
    variance: float
    """s0², in the unit of the scores, squared."""


def variance_prior(variances: Sequence[float], df: Sequence[float] | float) -> VariancePrior:
    """Fit d0 and s0² to the mean and variance of ln s²_g.

        e_g = ln s²_g − ψ(d_g/2) + ln(d_g/2),  ψ'(d0/2) = var(e) − mean ψ'(d_g/2),
        s0² = exp(ē + ψ(d0/2) − ln(d0/2))

    Where the variances differ by no more than chance, d0 would be infinite; then s0² is the pooled variance. d0 is at
    most the sum of their degrees of freedom.

    Args:
        variances: sample variances of separate trainings, each above 0 [trainings].
        df: degrees of freedom of each, or one number for all.

    Raises:
        ValueError: there are fewer than two variances, or one is not above 0.
    """
    v = finite(variances, 2, "variances")
    d = np.broadcast_to(np.asarray(df, np.float64), v.shape)
    if not ((v > 0).all() and (d > 0).all()):
        raise ValueError("variances: each, and its degrees of freedom, must be above 0")
    e = np.log(v) - special.digamma(d / 2) + np.log(d / 2)
    beyond_chance = float(e.var(ddof=1) - special.polygamma(1, d / 2).mean())
    if beyond_chance <= 0:
        return VariancePrior(df=float(d.sum()), variance=float(d @ v / d.sum()))
    half = _invert_trigamma(beyond_chance)
    variance = math.exp(float(e.mean()) + float(special.digamma(half)) - math.log(half))
    return VariancePrior(df=min(2 * half, float(d.sum())), variance=variance)


def moderated_test(
    challenger: Sequence[float], incumbent: Sequence[float], prior: VariancePrior, margin: float = 0.0
) -> TestResult:
    """Test by the moderated t, to be read beside Welch's test and never instead of it.

    Args:
        challenger: one score for each seed, at least two.
        incumbent: likewise.
        prior: from other trainings than these.
        margin: δ, in the unit of the scores.

    Raises:
        ValueError: a side has fewer than two scores, or a score is not finite.
    """
    c, i = moments(challenger, name="challenger"), moments(incumbent, name="incumbent")
    finite_number(margin, "margin")
    variance, df = pooled_variance(c, i)
    shrunken = (prior.df * prior.variance + df * variance) / (prior.df + df)
    error = math.sqrt(shrunken * (1 / c.n + 1 / i.n))
    scale = abs(c.mean) + abs(i.mean) + abs(margin)
    plain = result(c.mean - i.mean, error, prior.df + df, margin=margin, scale=scale)
    return guard(plain, c, i, margin, prior.variance, prior.df)


def pooled_variance(a: Moments, b: Moments) -> tuple[float, int]:
    """Variance of two sides together, and its degrees of freedom."""
    df = a.n + b.n - 2
    return ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df, df


def variances_agree(first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether a two-sided F test leaves two variances, each with its degrees of freedom, for equal."""
    (variance, df), (other, other_df) = first, second
    if not (variance > 0 and other > 0):
        return False
    upper = float(special.fdtrc(df, other_df, variance / other))
    return 2 * min(upper, 1 - upper) >= SAME_SPREAD


def _invert_trigamma(value: float) -> float:
    """The x with ψ'(x) = value, by Newton's method on 1/ψ'."""
    x = 0.5 + 1 / value
    for _ in range(_STEPS):
        slope = float(special.polygamma(1, x))
        step = slope * (1 - slope / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) <= 1e-14 * x:
            break
    return x
