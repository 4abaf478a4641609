"""Looking more than once: what p a claim needs when seeds are added and tested again.

Testing at p < 0.01 after every seed from the third to the tenth claims falsely 3.2 times in 100. Instead the chance of
a false claim is spent bit by bit as in Lan and DeMets 1983 (Biometrika 70), and a look claims where its p is below its
own level. What has been spent after n seeds is

    α·ln(1 + (e − 1)·n / N)   where looks are planned, the last at N seeds (`look_levels`; Pocock's shape)
    α·(1 − 2/n)               where nobody has planned or remembers any: from the third seed on, without an end
                              (`anytime_level`)

The second is valid at every number of seeds, whichever of them were looked at and for whatever reason more were added,
and so needs no record of looks; it pays for that with lower levels (0.0033 at three seeds, 0.0019 at six, 0.0010 at
ten). O'Brien and Fleming's shape would ask p < 0.00003 at three seeds.

The levels follow from normal increments, one a seed; they are held against Student's p-values (the significance-level
approach, Jennison and Turnbull 2000, 4.4). Simulated over every look from 3 to 10 seeds (2,000,000 draws), a nominal
1 % is 0.6 % where both arms spread alike and 1.1 % where one spreads three times as far, which is Welch's own fault.
Who claims at p < 0.01 at the third seed, as the fixed sample has it, and at these levels afterwards, is at 1.0 and
1.7 %.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Floats

FIRST_LOOK = 3
"""Seeds below which no claim is made at any time: two tell next to nothing of their spread."""
_CHAINED = 256
"""Seeds up to which levels allow for what the looks before have in common; more than anybody would train."""
_NODES = 160
_REACH = 9.0
"""Standard deviations beyond which nothing is integrated."""
_PRECISION = 1e-13
"""Of a bound, in standard deviations."""


def look_levels(seeds: Sequence[int], alpha: float = 0.01) -> tuple[float, ...]:
    """The p below which each of some planned looks may claim: all of them together claim falsely with chance alpha.

    Args:
        seeds: seeds of the challenger at each planned look, rising.
        alpha: one-sided chance of a false claim over all looks.

    Raises:
        ValueError: no looks, looks that do not rise, or a chance that is none.
    """
    if not seeds or seeds[0] < 1 or any(b <= a for a, b in pairwise(seeds)):
        raise ValueError(f"looks at {list(seeds)} seeds: expected rising numbers of seeds")
    _check_chance(alpha)
    times = tuple(count / seeds[-1] for count in seeds)
    return _levels(times, tuple(alpha * math.log(1 + (math.e - 1) * time) for time in times))


def anytime_level(seeds: int, alpha: float = 0.01) -> float:
    """The p below which a look may claim when any number of looks, not planned, came before and may come after.

    Seeds are the challenger's. The incumbent may grow along with it or stay as it is, for the looks then have more in
    common than is allowed for; its growing alone is no further look.

    Args:
        seeds: of the challenger at this look.
        alpha: one-sided chance of a false claim at whatever time.

    Returns:
        The level; 0 below three seeds. It falls with every seed from there on at an alpha of 0.01.

    Raises:
        ValueError: a chance that is none.
    """
    _check_chance(alpha)
    if seeds < FIRST_LOOK:
        return 0.0
    if seeds > _CHAINED:  # what the increments alone allow, by Bonferroni
        return alpha * (2 / (seeds - 1) - 2 / seeds)
    last = max(8, 1 << (seeds - 1).bit_length())  # a few lengths only, to be kept; earlier looks know no later ones
    looks = range(FIRST_LOOK, last + 1)
    return _levels(tuple(map(float, looks)), tuple(alpha * (1 - 2 / n) for n in looks))[seeds - FIRST_LOOK]


def _check_chance(alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha = {alpha}: expected a chance between 0 and 0.5")


@lru_cache(maxsize=1024)
def _levels(times: tuple[float, ...], chances: tuple[float, ...]) -> tuple[float, ...]:
    """The levels by Armitage, McPherson and Rowe's recursion (1969, J. Royal Stat. Soc. A 132).

    `points` and `weights` carry the distribution of the sum of increments over all that has claimed nothing so far.

    Args:
        times: rising, in any unit of information.
        chances: of a false claim up to each.
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
    """The z that the sum, grown by one more increment, exceeds with chance `goal`."""

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
