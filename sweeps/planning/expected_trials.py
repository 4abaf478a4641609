"""The expected trials of a search that has not begun: exact where the sampler does not learn, else guesses."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution

from jobs.store import TrialRecord
from sweeps.driver.trials import search_of
from sweeps.search.samplers.grid import points
from sweeps.search.search import Search
from sweeps.spec.file import SweepSpec
from sweeps.spec.space import Parameter

COMBINATIONS = 10_000
"""The most combinations of earlier stages' settings that a plan distinguishes."""


def with_expected_trials(spec: SweepSpec, earlier: Sequence[TrialRecord] = ()) -> SweepSpec:
    """The sweep with all its trials given instead of drawn.

    If the sampler does not learn from results, they are exactly the trials that the search will draw. Otherwise they
    are a guess: the trials of an `earlier` search over the same space, then random draws that go through all
    combinations of the settings that decide earlier stages, so that none is left out.
    """
    assert spec.search is not None
    search = search_of(spec)
    if not search.learns:
        drawn = [search.ask(number, {}, {}) for number in range(search.trials)]
    else:
        guess, combinations = replace(search, sampler="random"), itertools.cycle(_combinations(spec, search))
        drawn = [dict(given) for given in search.first]
        drawn += [dict(trial.parameters) for trial in earlier[len(drawn) :]]
        drawn += [guess.ask(number, {}, {}) | next(combinations) for number in range(len(drawn), search.trials)]
    return replace(spec, search=replace(spec.search, first=tuple(drawn)))


def _combinations(spec: SweepSpec, search: Search) -> list[dict[str, Any]]:
    """Combinations of discrete settings that decide a job before the evaluation, in random order.

    Combinations of the file's own first trials come last.
    """
    assert spec.search is not None
    earlier = {
        name: points(kind)
        for name, kind in search.distributions.items()
        if is_discrete(kind) and decides_earlier_stages(spec.search.space[name], spec)
    }
    product = itertools.islice(itertools.product(*(values[:COMBINATIONS] for values in earlier.values())), COMBINATIONS)
    combinations = [dict(zip(earlier, values, strict=True)) for values in product]
    random.Random(search.seed).shuffle(combinations)
    given = [{name: first[name] for name in earlier} for first in search.first]
    return sorted(combinations, key=lambda combination: combination in given)


def counts_at_most(spec: SweepSpec, stage: str) -> bool:
    """Whether a plan knows only an upper bound of the number of a stage's jobs.

    That is so where trials may share a job: where all parameters that decide it have finitely many values.
    """
    if spec.search is None:
        return False
    sections = spec.pipeline().sections(stage)
    varied = [parameter.distribution for parameter in spec.search.space.values() if parameter.sections & sections]
    return bool(varied) and all(is_discrete(distribution) for distribution in varied)


def decides_earlier_stages(parameter: Parameter, spec: SweepSpec) -> bool:
    """Whether a parameter decides a job before the one that scores."""
    stages = spec.pipeline()
    before = {source.stage for source in stages.scored.reads.values()}
    return any(parameter.sections & stages.sections(stage) for stage in before)


def is_discrete(distribution: BaseDistribution) -> bool:
    """Whether a parameter has finitely many values."""
    return not isinstance(distribution, FloatDistribution) or distribution.step is not None
