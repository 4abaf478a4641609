"""The number of further seeds that would settle a claim."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Moments, welch_parts
from sweeps.statistics.sequential import anytime_level

POWER = 0.8
"""Chance with which a plan is to show its claim."""
MOST_SEEDS = 200
"""Most seeds that a plan may add; a difference that needs more is too small to be shown."""
_TAILS = (np.arange(24) + 0.5) / 24
"""Probabilities at whose quantiles the distribution of a sample variance is evaluated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Seeds that would settle a claim, if difference and spread are as they appear now."""

    more: int
    """Seeds to add to the challenger, and to the incumbent if it can grow."""
    seeds: int
    """The challenger's seeds after that."""
    level: float
    """The p that the test must then reach, whatever interim analyses came before (`anytime_level`)."""
    power: float
    """The chance that the test reaches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRange:
    """What settles a claim at both ends of the difference's 95 % interval.

    A plan at the estimate alone promises what noise has drawn: three seeds against three of equal recipes give one in
    28 % of cases.
    """

    least: Plan | None
    """At the end in favor of the challenger; None where even there no affordable number would show the claim."""
    most: Plan | None
    """At the other end; None where no affordable number would show the claim there."""


def power(challenger: Moments, incumbent: Moments, margin: float, level: float) -> float:
    """Chance that a Welch test at this level shows the claim, if difference and spread are exactly as given.

        E over s²_c, s²_i of Φ((gap − δ − t(1 − level, df(s))·SE(s)) / SE)

    Means and sample variances are independent, so the expectation is over the two χ² alone, on a grid of their
    quantiles. (The noncentral t with the df of the true variances gives 55 % at three seeds where simulation gives
    40 %, because df itself varies at that size.)

    Args:
        challenger: means and true variances, with the numbers of seeds of the test.
        incumbent: likewise.
        margin: δ, in the unit of the scores.
        level: the p to stay below.
    """
    c, i = challenger, incumbent
    difference, error, _ = welch_parts(c.mean, c.variance, c.n, i.mean, i.variance, i.n)
    gain = -float(difference) - margin
    if error == 0:
        return float(gain > 0)
    drawn_c, drawn_i = (
        side.variance * special.chdtri(side.n - 1, _TAILS) / (side.n - 1) for side in (challenger, incumbent)
    )
    _, errors, df = welch_parts(0.0, drawn_c[:, None], c.n, 0.0, drawn_i[None, :], i.n)
    return float(special.ndtr((gain - special.stdtrit(df, 1 - level) * errors) / error).mean())


def paired_power(differences: Moments, margin: float, level: float) -> float:
    """Chance that a test paired by training shows the claim, if mean and spread of the differences are as given.

    As `power`, over the χ² of the differences' variance.

    Args:
        differences: mean and true variance of challenger − incumbent, with the number of trainings of the test.
        margin: δ, in the unit of the scores.
        level: the p to stay below.
    """
    d, gain = differences, -differences.mean - margin
    error = d.std / math.sqrt(d.n)
    if error == 0:
        return float(gain > 0)
    drawn = error * np.sqrt(special.chdtri(d.n - 1, _TAILS) / (d.n - 1))
    return float(special.ndtr((gain - special.stdtrit(d.n - 1, 1 - level) * drawn) / error).mean())


def seeds_needed(
    challenger: Moments,
    incumbent: Moments,
    *,
    margin: float = 0.0,
    level: float = 0.01,
    incumbent_grows: bool = True,
) -> Plan | None:
    """Plan the fewest further seeds that would show the claim with a chance of 80 %.

    To plan is to have analyzed the present seeds, so the claim must reach the level that is valid at any time
    (`anytime_level`).

    Args:
        challenger: moments of its scores so far.
        incumbent: likewise.
        margin: δ, in the unit of the scores.
        level: the p to stay below.
        incumbent_grows: whether the incumbent gets as many further seeds.

    Returns:
        The plan; None where the difference is within the margin, or so small that 200 seeds would not show it.
    """

    def chance(more: int, needed: float) -> float:
        grown, other = _add_seeds(challenger, more), _add_seeds(incumbent, more if incumbent_grows else 0)
        error = math.sqrt(grown.variance / grown.n + other.variance / other.n)
        return power(grown, other, margin, needed) if _is_within_reach(gain, error, needed) else 0.0

    gain = incumbent.mean - margin - challenger.mean
    return _find_fewest(challenger.n, gain, level, chance)


def paired_seeds_needed(differences: Moments, *, margin: float = 0.0, level: float = 0.01) -> Plan | None:
    """Plan the fewest further trainings, evaluated under both entries' settings; as `seeds_needed`.

    Args:
        differences: moments of challenger − incumbent so far, by training.
        margin: δ, in the unit of the scores.
        level: the p to stay below.
    """

    def chance(more: int, needed: float) -> float:
        grown = _add_seeds(differences, more)
        within_reach = _is_within_reach(gain, grown.std / math.sqrt(grown.n), needed)
        return paired_power(grown, margin, needed) if within_reach else 0.0

    gain = -differences.mean - margin
    return _find_fewest(differences.n, gain, level, chance)


def _find_fewest(seeds: int, gain: float, level: float, chance: Callable[[int, float], float]) -> Plan | None:
    """The plan with the fewest further seeds; `chance` is that of a number of them to reach a level."""
    if gain <= 0:
        return None
    for more in range(1, MOST_SEEDS + 1):  # from below: beside an incumbent that does not grow, power may fall again
        needed = anytime_level(seeds + more, level)
        if (shown := chance(more, needed)) >= POWER:
            return Plan(more=more, seeds=seeds + more, level=needed, power=shown)
    return None


def _is_within_reach(gain: float, error: float, level: float) -> bool:
    """Whether a normal test would have at least an even chance; Student's has less."""
    return gain > -float(special.ndtri(level)) * error


def _add_seeds(side: Moments, more: int) -> Moments:
    return Moments(mean=side.mean, variance=side.variance, n=side.n + more)
