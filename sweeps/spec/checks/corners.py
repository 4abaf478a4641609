"""The corners of a search space: no trial may draw settings with which its jobs could not run."""

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from golf.errors import InputError
from sweeps.spec.recipe import Recipe, build_recipe
from sweeps.spec.settings import merge, shown
from sweeps.spec.space import Parameter, settings_of

POINTS = 64
"""A range of at most so many whole numbers is checked at each of them."""
SAMPLES = 200
"""Points of the whole space that are checked: so many corners (all where there are fewer), and so many inside."""

Point = Mapping[str, Any]


def check_space(space: Mapping[str, Parameter], base: Mapping[str, Any], recipe: Recipe, where: str) -> None:
    """Build recipes all over the space: at the ends of every range and at every choice, at its corners and inside.

    Args:
        space: what varies.
        base: the settings that trials start from.
        recipe: what they make.
        where: what each problem names first.

    Raises:
        InputError: a line for each setting that has a value with which no job could run; if each value is right by
            itself, the first values that do not go together.
    """
    layers = recipe.train.model.num_layers

    def problems(point: Point) -> dict[str, str]:
        """By the setting that each names."""
        try:
            build_recipe(merge(base, settings_of(space, point, layers)), "")
        except InputError as error:
            lines = [line.removeprefix(": ") for line in error.problems]
            return {
                line.partition(" ")[0]: f"{where}: search.space{_names(space, point, line)}: {line}" for line in lines
            }
        return {}

    alone: dict[str, str] = {}
    for point in values_one_by_one(space):
        alone = problems(point) | alone
    if alone:
        raise InputError(*alone.values())
    for point in itertools.chain(_corners(space), _inside(space)):
        if together := problems(point):
            raise InputError(*together.values())


def corner_recipes(
    space: Mapping[str, Parameter], base: Mapping[str, Any], recipe: Recipe
) -> Iterator[tuple[str, Recipe]]:
    """Recipes at every end and choice of each setting, and what tells each from the others, in words."""
    layers = recipe.train.model.num_layers
    for point in values_one_by_one(space):
        made = build_recipe(merge(base, settings_of(space, point, layers)), "")
        yield "".join(f", {name} = {shown(value)}" for name, value in [*point.items()][:3]), made


def largest(space: Mapping[str, Parameter], setting: str) -> float:
    """The largest number that trials can have for a setting; 0 if it does not vary."""
    varied = [parameter.distribution for parameter in space.values() if parameter.setting == setting]
    numbers = (value for distribution in varied for value in _numbers(distribution))
    return max(numbers, default=0)


def _names(space: Mapping[str, Parameter], point: Point, problem: str) -> str:
    """The values of a point that a problem is about: of the parameters that it names, else of the first few."""
    first: dict[str, str] = {}
    for name, parameter in space.items():  # of a setting that differs by layer, one is enough
        first.setdefault(parameter.setting, name)
    about = [name for setting, name in first.items() if _is_about(problem, setting)] or [*space]
    return "".join(f", {name} = {shown(point[name])}" for name in about[:3])


def _is_about(problem: str, setting: str) -> bool:
    """Whether a problem names a setting, in full or, where that tells enough, by its last part."""
    last = setting.rpartition(".")[2]
    return setting in problem or (len(last) > 4 and last in problem)


def values_one_by_one(space: Mapping[str, Parameter]) -> Iterator[Point]:
    """Every value of each parameter, the others at their first."""
    values = {name: _values(parameter.distribution) for name, parameter in space.items()}
    start = {name: own[0] for name, own in values.items()}
    yield start
    for name, own in values.items():
        for value in own[1:]:
            yield {**start, name: value}


def _corners(space: Mapping[str, Parameter]) -> Iterator[Point]:
    """Every combination of values, or a sample where there are too many."""
    values = [_values(parameter.distribution) for parameter in space.values()]
    if math.prod(map(len, values)) <= SAMPLES:
        return (dict(zip(space, point, strict=True)) for point in itertools.product(*values))
    rng = random.Random(0)
    return ({name: rng.choice(own) for name, own in zip(space, values, strict=True)} for _ in range(SAMPLES))


def _inside(space: Mapping[str, Parameter]) -> Iterator[Point]:
    rng = random.Random(1)
    for _ in range(SAMPLES):
        yield {name: _draw(parameter.distribution, rng) for name, parameter in space.items()}


def _draw(distribution: BaseDistribution, rng: random.Random) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return rng.randrange(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, FloatDistribution)
    return rng.uniform(distribution.low, distribution.high)


def _values(distribution: BaseDistribution) -> list[Any]:
    """Every choice, every whole number where there are few, or both ends."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if isinstance(distribution, IntDistribution):
        numbers = range(distribution.low, distribution.high + 1, distribution.step)
        if len(numbers) <= POINTS:
            return list(numbers)
    return [distribution.low, distribution.high]


def _numbers(distribution: BaseDistribution) -> Iterator[float]:
    encoded = isinstance(distribution, CategoricalDistribution)
    for value in _values(distribution):
        decoded = json.loads(value) if encoded else value
        if isinstance(decoded, int | float):
            yield decoded
