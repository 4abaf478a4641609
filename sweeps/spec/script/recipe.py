"""A recipe of a script: the environment and width of each stage, and the patch of its source."""

from dataclasses import dataclass
from typing import Any

Env = tuple[tuple[str, str], ...]
"""Names and values, sorted by name; placeholders are not filled in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSettings:
    """What a recipe decides of one stage."""

    name: str
    gpus: int
    env: Env


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptRecipe:
    """What a team tunes of its script; no seed."""

    patch: str | None
    """The diff that is applied to the script first."""
    stages: tuple[StageSettings, ...]
    trials: tuple[StageSettings, ...]
    """The same under [search.proxy]."""

    @property
    def widest(self) -> int:
        """Slots of its widest job, in a search, too."""
        return max(stage.gpus for stage in (*self.stages, *self.trials))

    def settings(self) -> dict[str, Any]:
        """Patch, and width and environment of each stage, as plain nested tables."""
        stages = {stage.name: {"gpus": stage.gpus, "env": dict(stage.env)} for stage in self.stages}
        return {"script": {"patch": self.patch, **stages}}

    def for_trials(self) -> "ScriptRecipe":
        """The recipe as trials run it: narrower and shorter where the file has a proxy."""
        return ScriptRecipe(patch=self.patch, stages=self.trials, trials=self.trials)
