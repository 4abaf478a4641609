"""Asking Optuna for trials, so that a search is the same on any cluster, in any order of completion, after any crash.

Trial n is drawn by a sampler seeded from (the search's seed, n) that sees the results of trials up to n − W, told in
the order of their numbers, and n − W + 1 … n − 1 as running; W is `search.parallel`. So a trial is a function of the
file and of earlier trials' results, and of nothing else: no study is stored, it is rebuilt from trials as plain data.
"""

import hashlib
import itertools
import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)

STARTUP_TRIALS = 8
"""Trials drawn at random before a model of the results is used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What decides the trials of a search, apart from their results."""

    distributions: Mapping[str, BaseDistribution]
    sampler: str
    """tpe, gp, random or grid."""
    trials: int
    parallel: int
    """W: how many trials may be on their way at once."""
    seed: int
    first: Sequence[Mapping[str, Any]] = ()
    """Parameters of trials 0, 1, …, given instead of drawn."""

    def ready(self, number: int, values: Mapping[int, float | None]) -> bool:
        """Whether trial `number` can be drawn: every trial it has to see has ended (None: it failed)."""
        return number < self.trials and all(earlier in values for earlier in range(number - self.parallel + 1))

    def ask(
        self, number: int, parameters: Mapping[int, Mapping[str, Any]], values: Mapping[int, float | None]
    ) -> dict[str, Any]:
        """Draw trial `number`.

        Args:
            number: counted from 0.
            parameters: of every earlier trial.
            values: bits per byte of trials that have ended, None where one failed; later ones are not looked at.

        Returns:
            Its parameters by name.
        """
        if number < len(self.first):
            return dict(self.first[number])
        if self.sampler == "grid":
            points = grid(self.distributions)
            random.Random(f"{self.seed}").shuffle(points)
            return points[(number - len(self.first)) % len(points)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study = optuna.create_study(sampler=self._sampler(number), direction="minimize")
            study.add_trials([self._told(earlier, number, parameters, values) for earlier in range(number)])
            trial = study.ask(dict(self.distributions))
        return dict(trial.params)

    def seed_of(self, number: int) -> int:
        """The seed of trial `number`'s sampler."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{number}".encode()).digest()[:4], "big")

    def _told(
        self,
        earlier: int,
        number: int,
        parameters: Mapping[int, Mapping[str, Any]],
        values: Mapping[int, float | None],
    ) -> FrozenTrial:
        """An earlier trial as trial `number` is to see it."""
        state, value = TrialState.RUNNING, None
        if earlier <= number - self.parallel:
            value = values[earlier]
            state = TrialState.FAIL if value is None else TrialState.COMPLETE
        return create_trial(
            state=state, value=value, params=dict(parameters[earlier]), distributions=dict(self.distributions)
        )

    def _sampler(self, number: int) -> BaseSampler:
        seed = self.seed_of(number)
        match self.sampler:
            case "tpe":
                return TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True)
            case "gp":
                return GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS, deterministic_objective=True)
            case "random":
                return RandomSampler(seed=seed)
        raise ValueError(f"sampler {self.sampler}: expected tpe, gp, random or grid")


def grid(distributions: Mapping[str, BaseDistribution]) -> list[dict[str, Any]]:
    """Every combination of every choice, whole number or step, and of five values of a continuous range."""
    values = [points(distribution) for distribution in distributions.values()]
    return [dict(zip(distributions, point, strict=True)) for point in itertools.product(*values)]


def points(distribution: BaseDistribution) -> list[Any]:
    """Every choice, whole number or step; five values of a continuous range."""
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, optuna.distributions.IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    assert isinstance(distribution, optuna.distributions.FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    count = 5 if step is None else round((high - low) / step) + 1
    fractions = [index / (count - 1) for index in range(count)]
    inner = [low * (high / low) ** f if distribution.log else low + f * (high - low) for f in fractions[1:-1]]
    return [low, *inner, high]  # the ends themselves: computed, they may lie a rounding outside
