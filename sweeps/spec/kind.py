"""What a sweep is made of: our own recipe, or a participant's script. Everything else takes both alike."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from jobs.stages.pipeline import Pipeline
from jobs.stages.stage import Stage
from sweeps.spec.settings import Settings
from sweeps.spec.space import Parameter


class AnyRecipe(Protocol):
    """Everything that a team tunes, without a seed; hashable."""

    @property
    def widest(self) -> int:
        """Slots of its widest job."""
        ...

    def settings(self) -> dict[str, Any]:
        """Every setting, resolved, as plain nested tables."""
        ...

    def for_trials(self) -> "AnyRecipe":
        """What stands for it in a search: a cheaper form where the file has one, else the recipe itself."""
        ...


class SweepKind(Protocol):
    """Makes recipes, arms and trials of a file's settings.

    Raises (any method that is given `where`): InputError, a line for each problem, which begins with it.
    """

    @property
    def arm_keys(self) -> tuple[str, ...]:
        """Keys of an arm that hold settings."""
        ...

    @property
    def inner_keys(self) -> Iterable[str]:
        """Dotted names of every setting, for suggestions."""
        ...

    @property
    def base(self) -> Settings:
        """The settings that arms and trials start from."""
        ...

    def build(self, changes: Settings, where: str) -> AnyRecipe:
        """The recipe of the base with an arm's changes on top."""
        ...

    def parse_space(self, space: Settings, where: str) -> dict[str, Parameter]:
        """Parameters by name of a [search.space] table, each tried out."""
        ...

    def resolve(self, space: Mapping[str, Parameter], given: Settings, where: str) -> dict[str, Any]:
        """All parameters of a trial that the file writes out."""
        ...

    def trial(self, space: Mapping[str, Parameter], parameters: Mapping[str, Any], where: str) -> AnyRecipe:
        """The recipe of a trial."""
        ...

    def widest(self, space: Mapping[str, Parameter]) -> int:
        """Slots of the widest job of any trial that may be drawn."""
        ...

    def pipeline(self, own: tuple[Stage, ...]) -> Pipeline:
        """The stages of the sweep; `own` are those that it has beside the usual ones."""
        ...

    def breach(self, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Why a scored recipe is out of the search's bounds whatever its score, by the outputs of its stages; else
        None."""
        ...
