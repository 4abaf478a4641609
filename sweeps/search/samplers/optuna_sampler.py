"""Samplers of Optuna: each trial is drawn from a new study that has seen the earlier trials.

No study is stored: it is rebuilt from trials as plain data, so that a trial depends on nothing but its `Draw`.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from sweeps.search.samplers.sampler import Draw

optuna.logging.set_verbosity(optuna.logging.ERROR)

STARTUP_TRIALS = 8
"""Trials drawn at random before a sampler uses its model of the results."""


class OptunaSampler:
    """Draws with an Optuna sampler that is made for each trial from the trial's own seed."""

    def __init__(self, make: Callable[[int], BaseSampler], *, learns: bool) -> None:
        self._make, self._learns = make, learns

    @property
    def learns(self) -> bool:
        """Whether draws depend on earlier results."""
        return self._learns

    def most_trials(self, distributions: Mapping[str, BaseDistribution]) -> int | None:
        """No limit."""
        return None

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Parameters by name."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study = optuna.create_study(sampler=self._make(draw.seed), direction="minimize")
            if self._learns:
                study.add_trials(draw.earlier())
            return dict(study.ask(dict(draw.distributions)).params)
