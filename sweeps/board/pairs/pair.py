"""Two entries that are compared, with what their tests read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.differences import ReadScores


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two entries to compare."""

    challenger: BoardEntry
    incumbent: BoardEntry
    peers: Sequence[BoardEntry]
    """These two and the entries of their sweeps, track and validation set, whose variances may be pooled."""
    records: Sequence[BoardEntry]
    """Public records, whose variances may serve where the sweeps have too few trainings."""
    recipes: tuple[Mapping[str, Any], Mapping[str, Any]]
    """Settings of both as nested tables; empty where they are unknown."""
    read_scores: ReadScores


def explain_no_spread(challenger: BoardEntry, incumbent: BoardEntry) -> str | None:
    """Why no test across seeds is possible; None where one is."""
    for entry in (challenger, incumbent):
        if not entry.has_spread:
            return f"{entry.name} has one seed, so its noise is unknown"
    assert challenger.moments is not None and incumbent.moments is not None
    if challenger.moments.variance + incumbent.moments.variance == 0:
        return "all seeds of both sides have the same score"
    return None
