"""Interim analyses: the p that a claim must reach when seeds are added and tested again.

Testing at p < 0.01 after every seed from the third to the tenth claims falsely 3.2 times in 100. So each interim
analysis has a level of its own, and spends a part of the chance of a false claim, as in Lan and DeMets 1983
(Biometrika 70). The chance spent after n seeds is

    α·ln(1 + (e − 1)·n / N)   for planned interim analyses, the last at N seeds (`analysis_levels`; Pocock's shape)
    α·(1 − 2/n)               without a plan: from the third seed on, without an end (`anytime_level`)

The second is valid at every number of seeds, whichever of them were analyzed and for whatever reason more were added,
so it needs no record of interim analyses. Its price is a lower level (0.0033 at three seeds, 0.0019 at six, 0.0010 at
ten). O'Brien and Fleming's shape would require p < 0.00003 at three seeds.

The levels assume normal increments, one for each seed, and are compared with Student's p-values (the
significance-level approach, Jennison and Turnbull 2000, 4.4). Simulated over every interim analysis from 3 to 10 seeds
(2,000,000 draws), a nominal 1 % is 0.6 % with equal spread on both sides, and 1.1 % with three times the spread on one
side, which is the error of Welch's test itself. To claim at p < 0.01 at the third seed, as for a fixed number of seeds,
and at these levels afterwards gives 1.0 and 1.7 %.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Floats

FIRST_ANALYSIS = 3
"""Fewest seeds for a claim; two say almost nothing about their spread."""
_CHAINED = 256
"""Seeds up to which levels use the correlation with earlier interim analyses; more than anybody would train."""
_NODES = 160
"""Points of Gauss–Legendre integration."""
_REACH = 9.0
"""Bound of the integral, in standard deviations."""
_PRECISION = 1e-13
"""Of a bound, in standard deviations."""


def analysis_levels(seeds: Sequence[int], alpha: float = 0.01) -> tuple[float, ...]:
    """Level of each planned interim analysis ("look"): together they claim falsely with chance alpha.

    Args:
        seeds: the challenger's seeds at each interim analysis, rising.
        alpha: one-sided chance of a false claim over all of them.

    Returns:
        The p below which each interim analysis may claim, in the same order.

    Raises:
        ValueError: there are no seeds, they do not rise, or alpha is not between 0 and 0.5.
    """
    if not seeds or seeds[0] < 1 or any(b <= a for a, b in pairwise(seeds)):
        raise ValueError(f"interim analyses at {list(seeds)} seeds: expected rising numbers of seeds")
    _check_chance(alpha)
    times = tuple(count / seeds[-1] for count in seeds)
    return _levels(times, tuple(alpha * math.log(1 + (math.e - 1) * time) for time in times))


def anytime_level(seeds: int, alpha: float = 0.01) -> float:
    """Level of an interim analysis when any number of unplanned ones came before and may come after.

    The incumbent may grow with the challenger or stay as it is: interim analyses are then more correlated than the
    level assumes, which is conservative. New seeds of the incumbent alone make no further interim analysis.

    Args:
        seeds: the challenger's seeds at this interim analysis.
        alpha: one-sided chance of a false claim at any time.

    Returns:
        The p below which it may claim; 0 below three seeds. At an alpha of 0.01 it falls with every further seed.

    Raises:
        ValueError: alpha is not between 0 and 0.5.
    """
    _check_chance(alpha)
    if seeds < FIRST_ANALYSIS:
        return 0.0
    if seeds > _CHAINED:  # by Bonferroni, from the chance of this seed alone
        return alpha * (2 / (seeds - 1) - 2 / seeds)
    last = max(8, 1 << (seeds - 1).bit_length())  # few lengths, so that the cache holds them; later ones do not matter
    looks = range(FIRST_ANALYSIS, last + 1)
    return _levels(tuple(map(float, looks)), tuple(alpha * (1 - 2 / n) for n in looks))[seeds - FIRST_ANALYSIS]


def _check_chance(alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha = {alpha}: expected a chance between 0 and 0.5")


@lru_cache(maxsize=1024)
def _levels(times: tuple[float, ...], chances: tuple[float, ...]) -> tuple[float, ...]:
    """Compute levels by the recursion of Armitage, McPherson and Rowe (1969, J. Royal Stat. Soc. A 132).

    `points` and `weights` are the distribution of the sum of increments among the cases without a claim so far.

    Args:
        times: of the interim analyses, rising, in any unit of information.
        chances: chance of a false claim up to each.
    """
    levels: list[float] = []
    points, weights = np.zeros(1), np.ones(1)
    spent = before = 0.0
    for time, chance in zip(times, chances, strict=True):
        step = math.sqrt(time - before)
        bound = _bound(points, weights, math.sqrt(time), step, chance - spent)
        levels.append(float(special.ndtr(-bound)))
        x, width = _legendre()
        low, high = -_REACH * math.sqrt(time), bound * math.sqrt(time)
        nodes = low + (high - low) * (x + 1) / 2
        density = np.exp(-(((nodes[:, None] - points) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        points, weights = nodes, width * (high - low) / 2 * (density @ weights)
        spent, before = chance, time
    return tuple(levels)


def _bound(points: Floats, weights: Floats, root_time: float, step: float, goal: float) -> float:
    """The z that the sum exceeds with chance `goal` after one more increment."""

    low, high, z = 0.0, _REACH, 2.0
    while True:  # Newton's steps, halved intervals where they lead out
        above = (points - z * root_time) / step
        excess = float(weights @ special.ndtr(above)) - goal
        low, high = (z, high) if excess > 0 else (low, z)
        slope = root_time / step * float(weights @ np.exp(-(above**2) / 2)) / math.sqrt(2 * math.pi)
        closer = z + excess / slope if slope > 0 else low
        closer = closer if low < closer < high else (low + high) / 2
        if abs(closer - z) <= _PRECISION:
            return closer
        z = closer


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    """Points and weights of Gauss–Legendre integration from −1 to 1."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    return x, w
