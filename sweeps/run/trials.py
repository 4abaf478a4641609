"""Trials of a sweep's search: their names and ranks, and what tells one search from another."""

import hashlib
import json
from collections.abc import Mapping

from jobs.spec import ARITHMETIC
from sweeps.search.search import Search
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import Stages


def trial_name(number: int) -> str:
    """What a trial's row is called."""
    return f"trial {number}"


def ranking(values: Mapping[int, float | None]) -> list[int]:
    """Numbers of trials that have a value, best first; the earlier of equals first."""
    return sorted((number for number, value in values.items() if value is not None), key=lambda n: (values[n], n))


def search_of(spec: SweepSpec) -> Search:
    """The search that a sweep's file describes."""
    assert spec.search is not None
    section = spec.search.section
    return Search(
        distributions={name: parameter.distribution for name, parameter in spec.search.space.items()},
        sampler=section.sampler,
        trials=section.trials,
        parallel=section.parallel,
        seed=section.seed,
        first=spec.search.first,
    )


def search_digest(spec: SweepSpec, stages: Stages) -> str:
    """What tells searches apart that share a sweep's name: all that decides a trial and its value.

    That is the data as they are, the machine class and the version of the arithmetic, too, as in a job's key. The
    number of trials is not in it, so that a search can be lengthened.
    """
    assert spec.search is not None
    section = spec.search.section.model_dump(exclude={"promote", "trials"})
    training = stages.train(spec.recipe, spec.seeds.tune[0]).job.key
    content = [section, spec.recipe.settings(), training, stages.data.tokenizer_digest, dict(ARITHMETIC)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
