"""Two rows side by side: what is worked out for a pair once, and again only when either of the two has changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.board.evaluation import Published
from sweeps.board.rows import Row
from sweeps.board.verdicts import Standard
from sweeps.statistics import (
    dunnett,
    expected_lowest,
    mean_documents,
    one_sample,
    paired_test,
    pool,
    pooled_test,
    published,
    seeds_needed,
    welch,
)
from sweeps.statistics.documents import ScoreTable

LARGEST_FAMILY = 64
"""Rows of a sweep beyond which nobody asks for Dunnett's test or one deviation for all of them."""
Ints = NDArray[np.int64]
Family = Mapping[Row, Mapping[str, float | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What a claim still needs."""

    more: int | None
    """Seeds; 0 where it is shown, None where no affordable number would do."""
    dollars: float | None
    incumbent_too: bool
    """Whether the incumbent is to have as many; a public record cannot."""


class Pairs:
    """For every row its counterpart, and numbers worked out from the two."""

    def __init__(self, names: Sequence[str]) -> None:
        self.other: Ints = np.empty(0, np.int64)
        """Slot of each row's counterpart, −1 for none."""
        self.values: dict[str, NDArray[np.float64]] = {name: np.empty(0) for name in names}
        """float64 [rows] of each name, NaN where there is no number."""
        self._seen: Ints = np.empty((2, 0), np.int64)

    def renew(self, other: Ints, version: Ints) -> Ints:
        """Take new counterparts, and return the rows whose numbers no longer hold."""
        new = other.size - self.other.size
        known = np.pad(self.other, (0, new), constant_values=-2)
        seen = np.pad(self._seen, ((0, 0), (0, new)), constant_values=-1)
        now = np.stack([version, np.where(other >= 0, version[other], 0)])
        self.other, self._seen = other, now
        stale = np.flatnonzero((other != known) | (now != seen).any(0))
        for name, values in self.values.items():
            self.values[name] = np.pad(values, (0, new), constant_values=np.nan)
            self.values[name][stale] = np.nan
        return stale


def published_p(row: Row, record: Published) -> float:
    """p against numbers of which nothing else is known, with the challenge's margin; NaN where it is refused."""
    if not row.spread or row.track == "flagged" or row.margin is None or row.moments is None:
        return np.nan
    if record.std is None or record.n is None or not record.has_spread:
        if row.moments.variance == 0:
            return np.nan
        return one_sample(row.moments, record.mean - row.margin).p_value
    if row.moments.variance + record.std == 0:
        return np.nan
    return welch(row.moments, published(record.mean, record.std, record.n), row.margin).p_value


def shared_tables(
    row: Row, other: Row, scores: Callable[[str], ScoreTable]
) -> tuple[list[ScoreTable], list[ScoreTable]]:
    """Tables of documents of both rows on the artifacts that both were evaluated on, in the same order."""
    theirs = {(run.artifact, run.text): run.scores for run in other.runs if run.scores is not None}
    common = [run for run in row.runs if run.scores is not None and (run.artifact, run.text) in theirs]
    mine = [scores(run.scores) for run in common if run.scores is not None]
    return mine, [scores(theirs[run.artifact, run.text]) for run in common]


def paired_p(row: Row, base: Row, scores: Callable[[str], ScoreTable]) -> float:
    """p document by document on shared artifacts, NaN where there are none."""
    mine, theirs = shared_tables(row, base, scores)
    return paired_test(mean_documents(mine), mean_documents(theirs)).p_value if mine else np.nan


def seed_difference(row: Row, other: Row) -> tuple[float, int]:
    """Mean difference in bits per byte over the seeds that both have, and how many; over all seeds where none is."""
    mine, theirs = row.facts["seeds"], other.facts["seeds"]
    common = [mine[seed] - theirs[seed] for seed in mine if None not in (mine[seed], theirs.get(seed))]
    if common:
        return sum(common) / len(common), len(common)
    assert row.moments is not None and other.moments is not None
    return row.moments.mean - other.moments.mean, 0


def trainings(rows: Sequence[Row]) -> list[int]:
    """A number for each row; rows that evaluate any trained weights in common, if only through others, have the same.

    A public record has trainings of its own.
    """
    first: dict[str, int] = {}
    """The first row that evaluates each of the weights."""
    joined = list(range(len(rows)))
    """For each row an earlier one that it has weights in common with, or itself."""

    def root(place: int) -> int:
        while joined[place] != place:
            joined[place] = joined[joined[place]]
            place = joined[place]
        return place

    for place, row in enumerate(rows):
        for run in row.runs:
            other = first.setdefault(run.weights or run.artifact, place)
            joined[root(place)] = root(other)
    return [root(place) for place in range(len(rows))]


def margin_bpb(row: Row, standard: Standard) -> float | None:
    """A standard's margin in bits per byte of the row's text; None where that is not known."""
    if standard.margin_nats == 0:
        return 0.0
    return None if row.bpb_per_nat is None else row.bpb_per_nat * standard.margin_nats


def family(rows: Sequence[Row], base: Row) -> Family:
    """Rows of the baseline's sweep and track with one deviation for all, and its check.

    p_pooled and p_dunnett are for the challenge's margin, as p_value and p_adjusted; noise_mbpb is how much better
    than its true value the best of as many trials would look by the noise of one seed.
    """
    known = [row for row in rows if row.spread]
    if not known or base.margin is None:
        return {}
    pooled = pool([row.scores for row in known], trainings(known))
    found: dict[Row, dict[str, float | None]] = {}
    for row in rows:
        trials = row.facts.get("trials") or 0
        noise = -1000 * expected_lowest(trials, pooled.std) if trials > 1 else None
        found[row] = {"equal_variance_p": pooled.equal_p, "noise_mbpb": noise}
    tested = [row for row in known if row is not base]
    if base in known and tested and pooled.std > 0:
        together = dunnett([row.scores for row in tested], base.scores, base.margin, pooled)
        for row, p_dunnett in zip(tested, together, strict=True):
            p_pooled = pooled_test(row.scores, base.scores, pooled, base.margin).p_value
            # Roundings of very small ones aside, what is corrected is never smaller than what is not.
            found[row] |= {"p_pooled": p_pooled, "p_dunnett": max(p_dunnett, p_pooled)}
    return found


def plan(row: Row, other: Row, p_value: float, standard: Standard) -> Settlement:
    """What a claim still needs by a standard, of which the p-value is known."""
    margin = margin_bpb(row, standard)
    assert margin is not None and row.moments is not None and other.moments is not None
    ours = other.source == "golfsweep"
    if p_value < standard.level:
        return Settlement(more=0, dollars=0.0, incumbent_too=ours)
    found = seeds_needed(row.moments, other.moments, margin=margin, level=standard.level, incumbent_grows=ours)
    if found is None:
        return Settlement(more=None, dollars=None, incumbent_too=ours)
    prices = [price for one in ([row, other] if ours else [row]) if (price := _price(one)) is not None]
    known = len(prices) == 1 + ours
    return Settlement(more=found.more, dollars=found.more * sum(prices) if known else None, incumbent_too=ours)


def _price(row: Row) -> float | None:
    """Dollars of one more seed."""
    cost: Any = row.facts.get("cost")
    return None if cost is None else float(cost) / len(row.scores)
