"""A reproducible search: the same trials on any cluster, in any order of completion, after any crash.

Trial n is drawn by a sampler seeded from (the search's seed, n). It sees the results of trials up to n − W, reported
in the order of their numbers, and trials n − W + 1 … n − 1 as running; W is `search.parallel`. So a trial is a
function of the sweep file and of earlier trials' results, and of nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweeps.search.samplers import SAMPLERS, Draw


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What decides the trials of a search, apart from their results."""

    distributions: Mapping[str, BaseDistribution]
    sampler: str
    """A name of SAMPLERS."""
    trials: int
    parallel: int
    """W: how many trials may be in flight at once."""
    seed: int
    first: Sequence[Mapping[str, Any]] = ()
    """Parameters of trials 0, 1, …, given instead of drawn."""

    @property
    def learns(self) -> bool:
        """Whether drawn trials depend on the results of earlier ones."""
        return SAMPLERS[self.sampler].learns

    def ready(self, number: int, values: Mapping[int, float | None]) -> bool:
        """Whether trial `number` can be drawn: every trial whose result it depends on has ended (None: it failed)."""
        return number < self.trials and all(earlier in values for earlier in range(number - self.parallel + 1))

    def ask(
        self, number: int, parameters: Mapping[int, Mapping[str, Any]], values: Mapping[int, float | None]
    ) -> dict[str, Any]:
        """Draw trial `number`.

        Args:
            number: counted from 0.
            parameters: of every earlier trial.
            values: bits per byte of ended trials, None where one failed; trials after n − W do not count.

        Returns:
            Its parameters by name.
        """
        if number < len(self.first):
            return dict(self.first[number])
        draw = Draw(
            distributions=self.distributions,
            index=number - len(self.first),
            seed=self.seed_of(number),
            search_seed=self.seed,
            earlier=lambda: [self._seen(earlier, number, parameters, values) for earlier in range(number)],
        )
        return SAMPLERS[self.sampler].draw(draw)

    def seed_of(self, number: int) -> int:
        """The seed of trial `number`'s sampler."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{number}".encode()).digest()[:4], "big")

    def _seen(
        self,
        earlier: int,
        number: int,
        parameters: Mapping[int, Mapping[str, Any]],
        values: Mapping[int, float | None],
    ) -> FrozenTrial:
        """An earlier trial as trial `number` sees it."""
        state, value = TrialState.RUNNING, None
        if earlier <= number - self.parallel:
            value = values[earlier]
            state = TrialState.FAIL if value is None else TrialState.COMPLETE
        return create_trial(
            state=state, value=value, params=dict(parameters[earlier]), distributions=dict(self.distributions)
        )
