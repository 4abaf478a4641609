"""A sweep of our own recipe, which trains, quantizes and evaluates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jobs.stages.pipeline import Pipeline
from jobs.stages.registry import pipeline
from jobs.stages.stage import Stage
from sweeps.spec import space as spaces
from sweeps.spec.checks.corners import check_space, largest
from sweeps.spec.recipe import SECTIONS, Recipe, build_recipe, every_setting, override
from sweeps.spec.settings import Settings
from sweeps.spec.space import Parameter


@dataclass(frozen=True)
class NativeKind:
    """Makes recipes of the sections `train`, `quantize` and `eval`."""

    base: Settings
    arm_keys: tuple[str, ...] = tuple(SECTIONS)

    @property
    def inner_keys(self) -> Iterable[str]:
        return every_setting()

    @cached_property
    def recipe(self) -> Recipe:
        """What the base makes."""
        return build_recipe(self.base, "recipe")

    def build(self, changes: Settings, where: str) -> Recipe:
        return build_recipe(override(self.base, changes), where)

    def parse_space(self, space: Settings, where: str) -> dict[str, Parameter]:
        parameters = spaces.parse_space(space, self.recipe, where)
        check_space(parameters, self.base, self.recipe, where)
        return parameters

    def resolve(self, space: Mapping[str, Parameter], given: Settings, where: str) -> dict[str, Any]:
        return spaces.resolve(space, given, self.recipe, where)

    def trial(self, space: Mapping[str, Parameter], parameters: Mapping[str, Any], where: str) -> Recipe:
        return spaces.apply(space, parameters, self.base, self.recipe.train.model.num_layers, where)

    def widest(self, space: Mapping[str, Parameter]) -> int:
        return max(int(largest(space, setting)) for setting in ("train.gpus", "eval.gpus"))

    def pipeline(self, own: tuple[Stage, ...]) -> Pipeline:
        return pipeline(*own)

    def breach(self, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        """None: an artifact that is too large fails its own job."""
        return None
