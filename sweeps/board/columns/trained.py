"""The column of an entry's mean over all its trained seeds, those that were not evaluated included."""

from collections.abc import Sequence
from typing import Any

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.families import label_trainings
from sweeps.statistics.double_sampling import Pairs, fit_within, regression_mean


def estimate_from_trainings(entries: Sequence[BoardEntry]) -> list[dict[str, Any] | None]:
    """For each entry with train-only seeds, its mean and interval over all trained seeds; None for the others.

    The line is common to the entry and the other entries of its sweep, one for each training.
    """
    return [_estimate(entry, entries) if entry.runs and entry.runs[0].trained_only else None for entry in entries]


def _estimate(entry: BoardEntry, entries: Sequence[BoardEntry]) -> dict[str, Any] | None:
    near = [entry, *(other for other in entries if other is not entry and _is_near(other, entry))]
    first = {label: other for other, label in reversed(list(zip(near, label_trainings(near), strict=True)))}
    try:
        line = fit_within([pairs for other in first.values() if (pairs := _pairs(other)) is not None])
    except ValueError:  # too few evaluated seeds for a line
        return None
    if (own := _pairs(entry)) is None:
        return None
    estimate = regression_mean(line, own, entry.runs[0].trained_only)
    return {
        "mean": estimate.mean,
        "ci95": list(estimate.ci95),
        "trained": estimate.trained,
        "evaluated": estimate.evaluated,
        "correlation": estimate.correlation,
    }


def _is_near(other: BoardEntry, entry: BoardEntry) -> bool:
    return bool(other.runs) and (other.sweep, other.track, other.data) == (entry.sweep, entry.track, entry.data)


def _pairs(entry: BoardEntry) -> Pairs | None:
    """Scores of its evaluated seeds before quantization and in the end; None where the former are unknown."""
    before = [run.trained_bpb for run in entry.runs]
    known = [bpb for bpb in before if bpb is not None]
    return (known, list(entry.scores)) if len(known) == len(before) == len(entry.scores) else None
