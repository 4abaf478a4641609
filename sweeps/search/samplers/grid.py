"""Grid search: every combination once, in an order that the search's seed shuffles."""

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from sweeps.search.samplers.sampler import MOST_TRIALS, Draw

CONTINUOUS_POINTS = 5
"""Values of a range without a step."""
SHUFFLED = 1_000_000
"""Points of the largest grid of which every point is put in order; of a larger one only a part is ever drawn."""


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
        values = [points(distribution) for distribution in draw.distributions.values()]
        order = _order(math.prod(map(len, values)), draw.search_seed)
        number, drawn = order[draw.index % len(order)], []
        for own in reversed(values):  # the last parameter varies fastest
            number, place = divmod(number, len(own))
            drawn.append(own[place])
        return dict(zip(draw.distributions, reversed(drawn), strict=True))


@cache
def _order(count: int, seed: int) -> Sequence[int]:
    """Numbers of points in the order in which they are drawn; of a large grid, as many as a search can have trials."""
    rng = random.Random(f"{seed}")
    if count <= SHUFFLED:
        numbers = list(range(count))
        rng.shuffle(numbers)
        return numbers
    drawn: dict[int, None] = {}
    while len(drawn) < MOST_TRIALS:
        drawn[rng.randrange(count)] = None
    return list(drawn)


def points(distribution: BaseDistribution) -> Sequence[Any]:
    """Every choice, whole number or step; five values of a continuous range, both ends included."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    count = CONTINUOUS_POINTS if step is None else round((high - low) / step) + 1
    fractions = [index / (count - 1) for index in range(count)]
    inner = [low * (high / low) ** f if distribution.log else low + f * (high - low) for f in fractions[1:-1]]
    return [low, *inner, high]  # computed ends could lie a rounding error outside the range
