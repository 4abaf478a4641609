"""Looking more than once: what p a claim needs when seeds are added and tested again.

Testing at p < 0.01 after every seed from the third to the tenth claims falsely 3.3 times in 100. With looks planned at
so many seeds each, the chance of a false claim is spent bit by bit as in Lan and DeMets 1983 (Biometrika 70), by their
Pocock-type function

    α(t) = α·ln(1 + (e − 1)·t),  t = seeds so far / seeds at the last look

and a look claims where its p is below its own level. Of the usual functions this one leaves a first look at three seeds
its use: O'Brien and Fleming's would ask p < 0.00003 of it. The levels follow from normal increments; they are held
against Student's p-values (the significance-level approach, Jennison and Turnbull 2000, 4.4), whose size the tests
simulate.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import optimize, special

from sweeps.statistics.estimate import Floats

_NODES = 160
_REACH = 9.0
"""Standard deviations beyond which nothing is integrated."""


def look_levels(seeds: Sequence[int], alpha: float = 0.01) -> tuple[float, ...]:
    """The p below which each look may claim, so that all of them together claim falsely with chance alpha.

    Args:
        seeds: seeds of the challenger at each planned look, rising.
        alpha: one-sided chance of a false claim over all looks.

    Raises:
        ValueError: no looks, looks that do not rise, or a chance that is none.
    """
    if not seeds or seeds[0] < 1 or any(b <= a for a, b in pairwise(seeds)):
        raise ValueError(f"looks at {list(seeds)} seeds: expected rising numbers of seeds")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha = {alpha}: expected a chance between 0 and 0.5")
    return _levels(tuple(count / seeds[-1] for count in seeds), alpha)


@lru_cache(maxsize=1024)
def _levels(times: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """The levels by Armitage, McPherson and Rowe's recursion (1969, J. Royal Stat. Soc. A 132).

    `points` and `weights` carry the distribution of the sum of increments over all that has claimed nothing so far.
    """
    levels: list[float] = []
    points, weights = np.zeros(1), np.ones(1)
    spent = before = 0.0
    for time in times:
        goal, step = alpha * math.log(1 + (math.e - 1) * time) - spent, math.sqrt(time - before)
        bound = _bound(points, weights, math.sqrt(time), step, goal)
        levels.append(float(special.ndtr(-bound)))
        x, width = _legendre()
        low, high = -_REACH * math.sqrt(time), bound * math.sqrt(time)
        nodes = low + (high - low) * (x + 1) / 2
        density = np.exp(-(((nodes[:, None] - points) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        points, weights = nodes, width * (high - low) / 2 * (density @ weights)
        spent, before = spent + goal, time
    return tuple(levels)


def _bound(points: Floats, weights: Floats, root_time: float, step: float, goal: float) -> float:
    """The z that the sum, grown by one more increment, exceeds with chance `goal`."""

    def excess(z: float) -> float:
        return float(weights @ special.ndtr((points - z * root_time) / step)) - goal

    return float(optimize.brentq(excess, 0.0, _REACH))


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    """Points and weights of Gauss–Legendre integration from −1 to 1."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    return x, w
