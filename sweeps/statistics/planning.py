"""How many more seeds would settle it."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Moments, welch_parts
from sweeps.statistics.sequential import look_levels

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
    """The p to stay below then, a first look having been taken already (`look_levels`)."""
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

    The seeds there are count as a first look; the level of the second is such that both together claim falsely no more
    often than `level` allows.

    Args:
        challenger: what is known of it.
        incumbent: likewise.
        margin: δ, in the scores' unit.
        level: p to stay below.
        incumbent_grows: whether the incumbent can be run on more seeds, too.

    Returns:
        The plan; None where the difference is not beyond the margin, or so small that 200 seeds would not do.
    """
    if incumbent.mean - margin <= challenger.mean:
        return None
    low, high = 1, MOST_SEEDS
    if _after(challenger, incumbent, margin, level, high, incumbent_grows).power < POWER:
        return None
    while low < high:  # power grows with every seed
        middle = (low + high) // 2
        if _after(challenger, incumbent, margin, level, middle, incumbent_grows).power >= POWER:
            high = middle
        else:
            low = middle + 1
    return _after(challenger, incumbent, margin, level, low, incumbent_grows)


def _after(challenger: Moments, incumbent: Moments, margin: float, level: float, more: int, both: bool) -> Plan:
    seeds = challenger.n + more
    then = Moments(mean=challenger.mean, variance=challenger.variance, n=seeds)
    other = Moments(mean=incumbent.mean, variance=incumbent.variance, n=incumbent.n + more * both)
    needed = look_levels((challenger.n, seeds), level)[1]
    return Plan(more=more, seeds=seeds, level=needed, power=power(then, other, margin, needed))
