"""Whose trainings give the moderated test its prior: the two entries' own sweeps first, then public records."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.families import label_trainings
from sweeps.board.pairs.pair import Pair
from sweeps.statistics import Moments, VariancePrior, variance_prior
from sweeps.statistics.moderated import FEWEST_VARIANCES, pooled_variance, variances_agree


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPrior:
    """A prior of variance, and the entries that it is from."""

    prior: VariancePrior
    source: Literal["sweep", "records"]
    names: Sequence[str]


def find_prior(pair: Pair) -> NamedPrior | str:
    """The prior from trainings other than the two tested, or why there is none.

    Public records serve only where the pooled variance of the two passes a two-sided F test against theirs.
    """
    c, i = pair.challenger, pair.incumbent
    if c.trainings.keys() & i.trainings.keys():
        return "the two share trainings, so they are not independent samples"
    near = _separate_variances([c, i, *(entry for entry in pair.peers if entry not in (c, i))])
    if len(near) >= FEWEST_VARIANCES:
        return _fit(near, "sweep")
    far = _separate_variances([c, i, *(entry for entry in pair.records if entry not in (c, i))])
    if len(far) < FEWEST_VARIANCES:
        return f"fewer than {FEWEST_VARIANCES} other trainings have a spread"
    assert c.moments is not None and i.moments is not None
    df = sum(side.n - 1 for _, side in far)
    records = sum((side.n - 1) * side.variance for _, side in far) / df
    if not variances_agree(pooled_variance(c.moments, i.moments), (records, df)):
        return "the sweep has too few other trainings, and public records spread differently (F test)"
    return _fit(far, "records")


def _fit(variances: Sequence[tuple[str, Moments]], source: Literal["sweep", "records"]) -> NamedPrior:
    prior = variance_prior([side.variance for _, side in variances], [side.n - 1 for _, side in variances])
    return NamedPrior(prior=prior, source=source, names=[name for name, _ in variances])


def _separate_variances(entries: Sequence[BoardEntry]) -> list[tuple[str, Moments]]:
    """Name and moments of an entry of each training, of other trainings than those of the first two entries.

    Of entries that share trainings the one with the most seeds counts.
    """
    labels = label_trainings(entries)
    best: dict[Hashable, tuple[str, Moments]] = {}
    for entry, label in zip(entries, labels, strict=True):
        side = entry.moments
        if label in labels[:2] or side is None or side.n < 2 or side.variance == 0:
            continue
        if label not in best or side.n > best[label][1].n:
            best[label] = (entry.name, side)
    return list(best.values())
