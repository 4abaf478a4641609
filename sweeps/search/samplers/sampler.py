"""What a sampler is: it draws the parameters of one trial."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

MOST_TRIALS = 10_000
"""Most trials of a search. Samplers that learn read all earlier trials for each, so thousands take hours to draw."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One trial to draw, and all that its parameters may depend on."""

    distributions: Mapping[str, BaseDistribution]
    """The search space: parameter → its distribution."""
    index: int
    """Counts drawn trials from 0; trials that the sweep file writes out do not count."""
    seed: int
    """Of this trial alone."""
    search_seed: int
    """Of the whole search."""
    earlier: Callable[[], Sequence[FrozenTrial]]
    """Every earlier trial by number; one whose result this trial must not depend on is still running."""


class Sampler(Protocol):
    """Draws trials; the same draw gives the same parameters in any process."""

    @property
    def learns(self) -> bool:
        """Whether a draw depends on the results of earlier trials; if not, it never calls `Draw.earlier`."""
        ...

    def most_trials(self, distributions: Mapping[str, BaseDistribution]) -> int | None:
        """How many different trials it can draw from a space; None if there is no limit."""
        ...

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Parameters by name."""
        ...
