"""Pooled variance over the recipes of a sweep: a test beside Welch's, with the check that it may be used."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sweeps.statistics.estimate import Floats, Moments, TestResult, finite, finite_number, moments, result
from sweeps.statistics.seeds import welch

OUT_OF_LINE = 0.1
"""Below this P(F) a variance is out of line with that of other recipes."""
UNEQUAL = 0.05
"""Below this p of Bartlett's test do not rely on the pooled variance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """The pooled variance of seeds over recipes, and the check that it may be pooled."""

    std: float
    """Its root, in the unit of the scores."""
    df: int
    """Degrees of freedom."""
    rows: int
    """Number of recipes with at least two seeds; others have no spread."""
    trainings: int
    """Number of separate trainings among them; only those count as independent."""
    equal_p: float | None
    """Bartlett's p that the variances are equal; None for one training, or where all seeds are equal."""

    @property
    def sound(self) -> bool:
        """Whether no difference of the variances shows; with three seeds only a large one would."""
        return self.equal_p is None or self.equal_p >= UNEQUAL

    def without(self, challenger: Moments, incumbent: Moments) -> tuple[float, int]:
        """Variance and degrees of freedom of the pool without the wider of two of its recipes."""
        wide = max(challenger, incumbent, key=lambda side: side.variance)
        df = self.df - (wide.n - 1)
        return (max(0.0, self.df * self.std**2 - (wide.n - 1) * wide.variance) / df, df) if df > 0 else (0.0, 0)


def pool(rows: Sequence[Sequence[float]], trainings: Sequence[Hashable] | None = None) -> Pool:
    """Pool the variance of all recipes' seeds, s² = Σ (n_r − 1)·s²_r / Σ (n_r − 1), and check that it may be pooled.

    Recipes that evaluate the same trained weights in different ways share the noise of their seeds, so another of them
    adds almost no information. Together they count as one, with the mean of their variances and the degrees of freedom
    of the largest. Counted as independent, three of them beside a separately trained challenger claim falsely 2.5 times
    in 100 at a nominal 1 %, eight of them 4.4 times.

    The check is Bartlett's test (Bartlett 1937, Proc. Royal Soc. A 160), which keeps its size at three seeds for each
    recipe, where the median-centered Levene test almost never rejects. It assumes normal noise and has little power at
    that size: not rejected does not mean equal. Recipes with one seed are left out.

    Args:
        rows: scores of each recipe [seeds].
        trainings: a label for each recipe; recipes with equal labels share trainings. None: all are separate.

    Raises:
        ValueError: no recipe has two seeds, or a score is not finite.
    """
    apart: dict[Hashable, list[Moments]] = {}
    for row, training in zip(rows, range(len(rows)) if trainings is None else trainings, strict=True):
        if (scores := finite(row, 1, "scores")).size > 1:
            apart.setdefault(training, []).append(moments(scores))
    if not apart:
        raise ValueError("pooled variance: no recipe has two seeds")
    df = np.array([max(recipe.n for recipe in together) - 1 for together in apart.values()])
    variances = np.array([_mean_variance(together) for together in apart.values()])
    return Pool(
        std=math.sqrt(df @ variances / df.sum()),
        df=int(df.sum()),
        rows=sum(map(len, apart.values())),
        trainings=len(apart),
        equal_p=_bartlett(variances, df),
    )


def _mean_variance(recipes: Sequence[Moments]) -> float:
    """The mean of variances, weighted by degrees of freedom."""
    return sum((recipe.n - 1) * recipe.variance for recipe in recipes) / sum(recipe.n - 1 for recipe in recipes)


def _bartlett(variances: Floats, df: NDArray[np.int64]) -> float | None:
    """p that all variances are equal, from sample variances and their degrees of freedom [trainings].

        T = (Σ df·ln(s²) − Σ df_r·ln(s²_r)) / (1 + (Σ 1/df_r − 1/Σ df) / (3·(k − 1))),  χ² of k − 1

    None for a single variance, or where all are 0.
    """
    if variances.size == 1 or not variances.any():
        return None
    if not variances.all():
        return 0.0
    total = df.sum()
    spread = total * math.log(df @ variances / total) - df @ np.log(variances)
    statistic = spread / (1 + ((1 / df).sum() - 1 / total) / (3 * (df.size - 1)))
    return float(special.chdtrc(df.size - 1, max(0.0, statistic)))  # rounding may make it negative


def pooled_test(
    challenger: Sequence[float], incumbent: Sequence[float], pooled: Pool, margin: float = 0.0
) -> TestResult:
    """Test by Student with a pooled variance, to be read beside Welch's test and never instead of it.

        t = (x̄_i − δ − x̄_c) / (s·√(1/n_c + 1/n_i)),  df of the pool

    Where a side spreads more than the rest of the pool, the larger of this p and Welch's counts (`guard`).

    Ten recipes of three seeds have 20 degrees of freedom, where p < 0.01 takes t = 2.53 instead of 6.96 (df 2).

    Args:
        challenger: one score for each seed, at least two.
        incumbent: likewise.
        pooled: the result of `pool`.
        margin: δ, in the unit of the scores.

    Raises:
        ValueError: a side has fewer than two scores, or a score is not finite.
    """
    c, i = moments(challenger, name="challenger"), moments(incumbent, name="incumbent")
    finite_number(margin, "margin")
    error = pooled.std * math.sqrt(1 / c.n + 1 / i.n)
    scale = abs(c.mean) + abs(i.mean) + abs(margin)
    plain = result(c.mean - i.mean, error, pooled.df, margin=margin, scale=scale)
    return guard(plain, c, i, margin, *pooled.without(c, i))


def guard(
    borrowed: TestResult, challenger: Moments, incumbent: Moments, margin: float, variance: float, df: float
) -> TestResult:
    """Guard a test that borrows its variance from other recipes: where a side spreads more than they do, Welch counts.

    Where the larger of the two variances is out of line with theirs, P(F ≥ s²_larger/s²) < 0.1, the larger of both
    p-values is taken. Without this, a challenger that spreads three times as far claims falsely in up to 9.5 % of cases
    at a nominal 1 %.

    Args:
        borrowed: the test's result.
        challenger: moments of its scores.
        incumbent: likewise.
        margin: δ, in the unit of the scores.
        variance: of the other recipes.
        df: its degrees of freedom; 0 where there are no others.
    """
    wide = max(challenger, incumbent, key=lambda side: side.variance)
    if df > 0 and wide.variance > 0:
        ratio = wide.variance / variance if variance > 0 else math.inf
        if special.fdtrc(wide.n - 1, df, ratio) >= OUT_OF_LINE:
            return borrowed
    return replace(borrowed, p_value=max(borrowed.p_value, welch(challenger, incumbent, margin).p_value))
