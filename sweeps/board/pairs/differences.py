"""Differences and p-values of two entries: over seeds in common, over shared documents, against published numbers."""

from collections.abc import Callable

import numpy as np

from sweeps.board.entries import BoardEntry
from sweeps.board.rules import Published
from sweeps.statistics import mean_documents, one_sample, paired_test, published, welch
from sweeps.statistics.documents import ScoreTable

ReadScores = Callable[[str], ScoreTable]
"""Reads a table of document scores by its digest: document, nll (nats), tokens, bytes. Raises jobs.errors.Unreadable
where it is lost."""


def compute_published_p(entry: BoardEntry, record: Published, margin: float | None) -> float:
    """p against published numbers with a margin in bits per byte; NaN where no test is possible."""
    if not entry.has_spread or entry.track == "flagged" or margin is None or entry.moments is None:
        return np.nan
    if record.std is None or record.n is None or not record.has_spread:
        if entry.moments.variance == 0:
            return np.nan
        return one_sample(entry.moments, record.mean - margin).p_value
    if entry.moments.variance + record.std == 0:
        return np.nan
    return welch(entry.moments, published(record.mean, record.std, record.n), margin).p_value


def compute_paired_p(entry: BoardEntry, base: BoardEntry, read_scores: ReadScores) -> float:
    """p over documents on shared artifacts; NaN where no artifact is shared."""
    ours, theirs = read_shared_tables(entry, base, read_scores)
    return paired_test(mean_documents(ours), mean_documents(theirs)).p_value if ours else np.nan


def read_shared_tables(
    entry: BoardEntry, other: BoardEntry, read_scores: ReadScores
) -> tuple[list[ScoreTable], list[ScoreTable]]:
    """Document scores of both entries on the artifacts that both evaluated, in the same order."""
    theirs = {(run.artifact, run.text): run.scores for run in other.runs if run.scores is not None}
    common = [run for run in entry.runs if run.scores is not None and (run.artifact, run.text) in theirs]
    ours = [read_scores(run.scores) for run in common if run.scores is not None]
    return ours, [read_scores(theirs[run.artifact, run.text]) for run in common]


def compare_common_seeds(entry: BoardEntry, other: BoardEntry) -> tuple[float, int]:
    """Mean difference in bits per byte over the seeds in common, and their number; without any, of the means and 0."""
    ours, theirs = entry.seeds, other.seeds
    pairs = [(bpb, theirs.get(seed)) for seed, bpb in ours.items()]
    common = [bpb - against for bpb, against in pairs if bpb is not None and against is not None]
    if common:
        return sum(common) / len(common), len(common)
    assert entry.moments is not None and other.moments is not None
    return entry.moments.mean - other.moments.mean, 0
