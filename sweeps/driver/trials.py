"""Trials of a sweep's search: their names and ranks, and what tells one search from another."""

import hashlib
import json
from collections.abc import Mapping

from jobs.stages.request import DocumentSet
from sweeps.search.search import Search
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import Measurement, OrderBook

AUDIT_VERSION = 3
"""Of the audits when the first searches were written down: their digests have it, although no audit decides a trial."""


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


def search_digest(spec: SweepSpec, orders: OrderBook) -> str:
    """What tells searches apart that share a sweep's name: all that decides a trial and its value.

    That is the data as they are, the machine class and the version of the arithmetic, too, as in a job's key. The
    number of trials is not in it, so that a search can be lengthened.
    """
    assert spec.search is not None
    section = spec.search.section.model_dump(exclude={"promote", "trials", "proxy"})
    seed, documents = spec.seeds.tune[0], DocumentSet(split="tune", count=spec.search.section.documents)
    recipe = spec.recipe.for_trials()
    first = Measurement(recipe=recipe, seed=seed, documents=documents, entry=None)
    scoring = spec.pipeline().scoring()
    roots = [orders.order(stage, first).job.key for stage in scoring if not stage.reads]
    versions = {stage.name: stage.version for stage in scoring} | {"audit": AUDIT_VERSION}
    content = [section, recipe.settings(), *roots, orders.data.tokenizer_digest, versions]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
