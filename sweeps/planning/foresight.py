"""The trials of a search before it begins: those that are certain, and guesses that leave nothing out."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution

from jobs.store import TrialRecord
from sweeps.run.trials import search_of
from sweeps.search.samplers.grid import points
from sweeps.search.search import Search
from sweeps.spec.file import SweepSpec
from sweeps.spec.recipe import STAGES
from sweeps.spec.space import Parameter

COMBINATIONS = 10_000
"""Combinations of earlier stages' settings that a plan tells apart."""


def with_trials(spec: SweepSpec, before: Sequence[TrialRecord] = ()) -> SweepSpec:
    """A sweep whose trials are all given instead of drawn.

    Where the sampler does not learn from results, they are the trials that the search will draw. Otherwise they are a
    guess: the trials of a search `before` this one over the same space, then random draws that go through all
    combinations of the settings that decide earlier stages, so that none is left out.
    """
    assert spec.search is not None
    search = search_of(spec)
    if not search.learns:
        drawn = [search.ask(number, {}, {}) for number in range(search.trials)]
    else:
        guess, combinations = replace(search, sampler="random"), itertools.cycle(_combinations(spec, search))
        drawn = [dict(given) for given in search.first]
        drawn += [dict(trial.parameters) for trial in before[len(drawn) :]]
        drawn += [guess.ask(number, {}, {}) | next(combinations) for number in range(len(drawn), search.trials)]
    return replace(spec, search=replace(spec.search, first=tuple(drawn)))


def _combinations(spec: SweepSpec, search: Search) -> list[dict[str, Any]]:
    """Combinations of discrete settings that decide a job before the evaluation, in an order of chance.

    Those that the file's own first trials have come last.
    """
    assert spec.search is not None
    earlier = {
        name: points(kind)
        for name, kind in search.distributions.items()
        if is_discrete(kind) and stage_of(spec.search.space[name]) != "eval"
    }
    product = itertools.islice(itertools.product(*earlier.values()), COMBINATIONS)
    found = [dict(zip(earlier, values, strict=True)) for values in product]
    random.Random(search.seed).shuffle(found)
    given = [{name: first[name] for name in earlier} for first in search.first]
    return sorted(found, key=lambda one: one in given)


def counts_at_most(spec: SweepSpec, kind: str) -> bool:
    """Whether a plan can count a kind of job only up to a bound.

    So it is where trials can share one: where everything that varies up to its stage has a finite number of values.
    """
    if spec.search is None:
        return False
    until = [*STAGES][: [*STAGES].index(kind) + 1] if kind in STAGES else [*STAGES]
    varied = [one.distribution for one in spec.search.space.values() if stage_of(one) in until]
    return bool(varied) and all(is_discrete(distribution) for distribution in varied)


def stage_of(parameter: Parameter) -> str:
    """The stage whose setting a parameter is."""
    return parameter.setting.partition(".")[0]


def is_discrete(distribution: BaseDistribution) -> bool:
    """Whether a parameter has finitely many values."""
    return not isinstance(distribution, FloatDistribution) or distribution.step is not None
