"""Grid search: every combination once, in an order that the search's seed shuffles."""

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from sweeps.search.samplers.sampler import Draw

CONTINUOUS_POINTS = 5
"""Values of a range without a step."""


class Grid:
    """Draws every point of the grid before it repeats one."""

    @property
    def learns(self) -> bool:
        """False: the order is known from the start."""
        return False

    def most_trials(self, distributions: Mapping[str, BaseDistribution]) -> int | None:
        """The number of points."""
        return math.prod(len(points(distribution)) for distribution in distributions.values())

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Parameters by name."""
        values = itertools.product(*(points(distribution) for distribution in draw.distributions.values()))
        grid = [dict(zip(draw.distributions, point, strict=True)) for point in values]
        random.Random(f"{draw.search_seed}").shuffle(grid)
        return grid[draw.index % len(grid)]


def points(distribution: BaseDistribution) -> list[Any]:
    """Every choice, whole number or step; five values of a continuous range, both ends included."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    assert isinstance(distribution, FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    count = CONTINUOUS_POINTS if step is None else round((high - low) / step) + 1
    fractions = [index / (count - 1) for index in range(count)]
    inner = [low * (high / low) ** f if distribution.log else low + f * (high - low) for f in fractions[1:-1]]
    return [low, *inner, high]  # computed ends could lie a rounding error outside the range
