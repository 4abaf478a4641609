"""The entries of a sweep together: their pooled variance, corrected tests, and the search's selection bias."""

import math
from collections.abc import Mapping, Sequence

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.seed_test import pair_by_training
from sweeps.statistics import dunnett, expected_lowest, pool, pooled_test

LARGEST_FAMILY = 64
"""Entries of a sweep beyond which Dunnett's test and a pooled variance are left out."""
Family = Mapping[BoardEntry, Mapping[str, float | None]]
"""Entry → column → value."""


def label_trainings(entries: Sequence[BoardEntry]) -> list[int]:
    """Number each entry's training: entries that evaluate common trained weights, directly or by way of others, agree.

    A public record has a training of its own.
    """
    first: dict[str, int] = {}
    """The first entry that evaluates each of the weights."""
    joined = list(range(len(entries)))
    """For each entry an earlier one that shares weights with it, or itself."""

    def root(place: int) -> int:
        while joined[place] != place:
            joined[place] = joined[joined[place]]
            place = joined[place]
        return place

    for place, entry in enumerate(entries):
        for run in entry.runs:
            if (training := run.weights or run.artifact) is not None:
                joined[root(place)] = root(first.setdefault(training, place))
    return [root(place) for place in range(len(entries))]


def judge_family(entries: Sequence[BoardEntry], base: BoardEntry) -> Family:
    """Test the entries of the baseline's sweep and track with their pooled variance.

    p_pooled and p_dunnett use the written rule's margin, as p_value does. selection_bias_mbpb is the gain that the best
    of the search's trials is expected to show by chance alone, from the noise of one seed; from that of a difference on
    one training where all trials share the baseline's trainings, since they then share most of that noise.
    """
    several = [entry for entry in entries if entry.has_spread]
    if not several or base.margin is None:
        return {}
    pooled = pool([entry.scores for entry in several], label_trainings(several))
    columns: dict[BoardEntry, dict[str, float | None]] = {}
    noise = _paired_deviation([entry for entry in entries if _count_trials(entry)], base) or pooled.std
    for entry in entries:
        trials = _count_trials(entry)
        bias = -1000 * expected_lowest(trials, noise) if trials > 1 else None
        columns[entry] = {"equal_variance_p": pooled.equal_p, "selection_bias_mbpb": bias}
    tested = [entry for entry in several if entry is not base]
    if base in several and tested and pooled.std > 0:
        together = dunnett([entry.scores for entry in tested], base.scores, base.margin, pooled)
        for entry, p_dunnett in zip(tested, together, strict=True):
            p_pooled = pooled_test(entry.scores, base.scores, pooled, base.margin).p_value
            # A corrected p is never below the uncorrected one, but rounding could make a very small one so.
            columns[entry] |= {"p_pooled": p_pooled, "p_dunnett": max(p_dunnett, p_pooled)}
    return columns


def _count_trials(entry: BoardEntry) -> int:
    """From how many trials an entry was chosen; 0 for an arm."""
    return entry.columns.get("trials") or 0


def _paired_deviation(winners: Sequence[BoardEntry], base: BoardEntry) -> float | None:
    """Deviation of the differences to the baseline by training; None where a winner has trainings of its own."""
    pairs = [pair_by_training(winner, base) for winner in winners]
    known = [differences for differences in pairs if differences is not None]
    if not known or len(known) < len(pairs):
        return None
    df = sum(differences.n - 1 for differences in known)
    return math.sqrt(sum((differences.n - 1) * differences.variance for differences in known) / df)
