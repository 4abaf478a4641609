"""Double sampling: the mean over many trained seeds of which only some were evaluated.

A seed's score before quantization comes with its training and says most of its final score y, so further seeds x that
are trained and not evaluated narrow the interval of the mean of y:

    ȳ_r = ȳ + b·(x̄' − x̄),  Var = s²_e·(1/n + (x̄' − x̄)²/S_xx) + b²·s²_x'/n'

with n evaluated seeds, n' trained ones (the evaluated among them), and the line y = a_k + b·x with a slope common to
several recipes k and residual variance s²_e. Source: Cochran, Sampling Techniques, 12.6; degrees of freedom by
Satterthwaite. Within recipes of the public record the correlation of both scores is 0.988.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.statistics.estimate import CONFIDENCE, finite, moments, quantile

PUBLIC_CORRELATION = 0.988
"""Correlation of final and pre-quantization score within recipes of the public record."""
Pairs = tuple[Sequence[float], Sequence[float]]
"""Scores of one recipe's evaluated seeds before quantization, and in the end, in the same order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommonLine:
    """The regression of final on pre-quantization scores within recipes."""

    slope: float
    sxx: float
    """Sum of squares of the pre-quantization scores around their recipe's mean."""
    residual_variance: float
    df: int
    """Degrees of freedom of the residual variance."""
    correlation: float | None
    """Within recipes; None where a side does not vary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionMean:
    """A recipe's mean over all its trained seeds."""

    mean: float
    ci95: tuple[float, float]
    trained: int
    """Seeds that were trained, the evaluated ones included."""
    evaluated: int
    correlation: float | None


def fit_within(recipes: Sequence[Pairs]) -> CommonLine:
    """Fit the line within recipes; its intercept is each recipe's own.

    Raises:
        ValueError: pre-quantization scores do not vary within recipes, or no degree of freedom is left for residuals.
    """
    sxx = sxy = syy = 0.0
    seeds = 0
    for before, final in recipes:
        x, y = finite(before, 1, "pre-quantization scores"), finite(final, 1, "final scores")
        x, y = x - x.mean(), y - y.mean()
        sxx, sxy, syy = sxx + float(x @ x), sxy + float(x @ y), syy + float(y @ y)
        seeds += x.size - 1
    df = seeds - 1
    if sxx <= 0 or df < 1:
        raise ValueError("regression: three evaluated seeds of a recipe, or two each of two, must differ before it")
    residual = max(0.0, syy - sxy**2 / sxx) / df
    correlation = sxy / math.sqrt(sxx * syy) if syy > 0 else None
    return CommonLine(slope=sxy / sxx, sxx=sxx, residual_variance=residual, df=df, correlation=correlation)


def regression_mean(line: CommonLine, own: Pairs, trained_only: Sequence[float]) -> RegressionMean:
    """Estimate a recipe's mean final score from its evaluated and its trained seeds.

    Args:
        line: of `fit_within`, this recipe among others.
        own: its evaluated seeds.
        trained_only: pre-quantization scores of its seeds that were not evaluated.

    Raises:
        ValueError: no seed was evaluated, fewer than two were trained, or a score is not finite.
    """
    before, final = moments(own[0], 1), moments(own[1], 1)
    trained = moments([*own[0], *trained_only])
    shift = trained.mean - before.mean
    parts = (
        (line.residual_variance * (1 / final.n + shift**2 / line.sxx), line.df),
        (line.slope**2 * trained.variance / trained.n, trained.n - 1),
    )
    squared = sum(part for part, _ in parts)
    mean = final.mean + line.slope * shift
    df = squared**2 / sum(part**2 / df for part, df in parts) if squared > 0 else line.df
    half = quantile(0.5 + CONFIDENCE / 2, df) * math.sqrt(squared)
    return RegressionMean(
        mean=mean,
        ci95=(mean - half, mean + half),
        trained=trained.n,
        evaluated=final.n,
        correlation=line.correlation,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedMix:
    """The cheapest mix of evaluated and train-only seeds for an interval of given width, by its normal theory."""

    trained_per_evaluated: float
    """Trained seeds for each evaluated one, itself included; 1 where train-only seeds do not pay."""
    cost_share: float
    """Its cost, as a share of evaluating every seed."""


def cheapest_mix(train: float, evaluate: float, correlation: float = PUBLIC_CORRELATION) -> SeedMix:
    """Find the mix that costs least: n'/n = √(ρ²·c_evaluate / ((1 − ρ²)·c_train)), Cochran 12.7.

    Args:
        train: cost of training a seed, with its quantization, in any unit; above 0.
        evaluate: cost of evaluating it, in the same unit.
        correlation: ρ, between 0 and 1, both excluded.
    """
    explained = correlation**2
    ratio = math.sqrt(explained * evaluate / ((1 - explained) * train))
    if ratio <= 1:
        return SeedMix(trained_per_evaluated=1.0, cost_share=1.0)
    mixed = (math.sqrt((1 - explained) * evaluate) + math.sqrt(explained * train)) ** 2
    return SeedMix(trained_per_evaluated=ratio, cost_share=mixed / (train + evaluate))
