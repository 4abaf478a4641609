"""What an entry of golfsweep's own is compared with when it is submitted: its standing, its baseline, its incumbent."""

from collections.abc import Mapping
from typing import Any

from sweeps.board.board import Board
from sweeps.board.entries import BoardEntry
from sweeps.driver.sweep import Sweep
from sweeps.spec.sections import BaselineSection
from sweeps.statistics import Moments, published

PUBLISHED = "published record"
"""Name of a baseline of which only numbers are known."""


def describe_standing(
    entry: BoardEntry, sweep: Sweep, board: Board
) -> tuple[dict[str, Any], dict[str, tuple[str, float]]]:
    """The entry on the leaderboard of its sweep, and name and mean of its baseline and incumbent, where they exist."""
    shown = board.table()
    standing = next(row for row in shown if (row["name"], row["sweep"]) == (entry.name, entry.sweep))
    moments = {other.name_within(entry.sweep): other.moments for other in board.entries()}
    means = {name: scored.mean for name, scored in moments.items() if scored is not None}
    baseline = sweep.spec.baseline
    if isinstance(baseline, BaselineSection):
        assert baseline.mean is not None
        means[PUBLISHED] = baseline.mean
        baseline = PUBLISHED
    names = {"baseline": None if baseline == entry.name else baseline, "incumbent": standing["incumbent"]}
    return standing, {role: (name, means[name]) for role, name in names.items() if name is not None}


def find_spreads(
    entry: BoardEntry, sweep: Sweep, board: Board, against: Mapping[str, tuple[str, float]]
) -> dict[str, Moments]:
    """Mean, variance and number of the scores of what the entry is tested against, by role."""
    moments = {
        other.name_within(entry.sweep): other.moments
        for other in board.entries()
        if other.has_spread and other.moments is not None
    }
    base = sweep.spec.baseline
    if isinstance(base, BaselineSection) and base.mean is not None and base.std is not None and base.n is not None:
        moments[PUBLISHED] = published(base.mean, base.std, base.n)
    return {role: moments[name] for role, (name, _) in against.items() if name in moments}
