"""How many more seeds would settle it."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Moments, welch_parts
from sweeps.statistics.sequential import anytime_level

POWER = 0.8
MOST_SEEDS = 200
"""More than anybody would train: beyond it the difference is too small to be shown."""
_TAILS = (np.arange(24) + 0.5) / 24
"""Chances at whose quantiles a sample variance is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What it takes to settle a claim, should the difference and the spread be what they look like now."""

    more: int
    """Seeds to add to the challenger, and to the incumbent unless it is only numbers."""
    seeds: int
    """The challenger's seeds then."""
    level: float
    """The p to stay below then, whatever looks were taken before (`anytime_level`)."""
    power: float
    """The chance that it comes out so."""


def power(challenger: Moments, incumbent: Moments, margin: float, level: float) -> float:
    """Chance that a Welch test at this level makes the claim, should difference and spread be just as given.

        E over s²_c, s²_i of Φ((gap − δ − t(1 − level, df(s))·SE(s)) / SE)

    Means and sample variances are independent, so the expectation runs over the two χ² alone, on a grid of their
    quantiles. (The noncentral t with the df of the true variances would promise 55 % at three seeds where 40 % come
    out: at that size df itself varies.)
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


def seeds_needed(
    challenger: Moments,
    incumbent: Moments,
    *,
    margin: float = 0.0,
    level: float = 0.01,
    incumbent_grows: bool = True,
) -> Plan | None:
    """The least number of further seeds after which the claim would be shown with a chance of 80 %.

    The seeds there are have been looked at, or there would be no plan; so the claim is to be made at the level that is
    valid at any time (`anytime_level`).

    Args:
        challenger: what is known of it.
        incumbent: likewise.
        margin: δ, in the scores' unit.
        level: p to stay below.
        incumbent_grows: whether the incumbent can be run on more seeds, too.

    Returns:
        The plan; None where the difference is not beyond the margin, or so small that 200 seeds would not do.
    """
    gain = incumbent.mean - margin - challenger.mean
    if gain <= 0:
        return None
    for more in range(1, MOST_SEEDS + 1):  # upwards: beside an incumbent that does not grow, power may fall again
        then, other = _grown(challenger, more), _grown(incumbent, more if incumbent_grows else 0)
        needed = anytime_level(then.n, level)
        error = math.sqrt(then.variance / then.n + other.variance / other.n)
        if gain <= -special.ndtri(needed) * error:  # not even a normal test would have an even chance
            continue
        if (chance := power(then, other, margin, needed)) >= POWER:
            return Plan(more=more, seeds=then.n, level=needed, power=chance)
    return None


def _grown(row: Moments, more: int) -> Moments:
    return Moments(mean=row.mean, variance=row.variance, n=row.n + more)
