"""How far the replication of a claim is (`[challenge]`): which analyses can be made, and what they say."""

from collections.abc import Iterable, Mapping

from sweeps.driver.chain import JobChain
from sweeps.spec.file import SweepSpec
from sweeps.spec.kind import AnyRecipe
from sweeps.spec.recipe import Recipe
from sweeps.spec.sections import BaselineSection
from sweeps.statistics import Moments
from sweeps.statistics.replication import ReplicationAnalysis, run_replication

SeedScores = Mapping[str, Mapping[int, float]]
"""Entry → seed → bits per byte."""


def scores_of(chains: Iterable[JobChain | None]) -> SeedScores:
    """SeedScores of the evaluations that are done."""
    scores: dict[str, dict[int, float]] = {}
    for chain in chains:
        if chain is not None and chain.done:
            scores.setdefault(chain.entry, {})[chain.measurement.seed] = chain.value
    return scores


def run_analyses(spec: SweepSpec, scores: SeedScores) -> list[ReplicationAnalysis]:
    """The analyses of a sweep's claim that can be made so far, up to the one that decides it."""
    claim = spec.challenge
    assert claim is not None
    challenger, *others = sorted(spec.arms, key=lambda arm: arm.baseline)
    return run_replication(
        scores.get(challenger.name, {}),
        scores.get(others[0].name, {}) if others else _published(spec.baseline),
        seeds=spec.seeds.confirm,
        gain=claim.gain,
        margin=claim.margin,
        analyses=claim.analyses,
        paired=bool(others) and _share_trainings(challenger.recipe, others[0].recipe),
    )


def _share_trainings(first: AnyRecipe, second: AnyRecipe) -> bool:
    """Whether two recipes are evaluated on the same trainings; of scripts that is not known here."""
    return isinstance(first, Recipe) and isinstance(second, Recipe) and first.train == second.train


def _published(baseline: object) -> Moments | float:
    """A published record; without a spread, its mean is taken for exact."""
    assert isinstance(baseline, BaselineSection) and baseline.mean is not None
    if baseline.std is None or baseline.n is None or baseline.n < 2:
        return baseline.mean
    return Moments(mean=baseline.mean, variance=baseline.std**2, n=baseline.n)
