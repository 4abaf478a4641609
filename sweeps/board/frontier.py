"""Who held the record when: for every row the best one before it, and the changes in order of time.

What came at the same time stands beside a row, not before it: the arms of one sweep, or the winners of one search.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def incumbents(group: Ints, stage: Floats, mean: Floats) -> Ints:
    """The best row of an earlier stage in the same group for every row, −1 where there is none.

    Args:
        group: one number for each track and text that are compared, −1 for rows that are not, int64 [rows].
        stage: when each row came, float64 [rows, 2], compared from the left.
        mean: scores, lower is better, NaN where there is none, float64 [rows].
    """
    found = np.full(group.size, -1)
    for rows in _groups(group, stage, mean):
        best = _best_so_far(mean[rows])
        same = (stage[rows[1:]] == stage[rows[:-1]]).all(1)
        starts = np.where(np.r_[False, same], 0, np.arange(rows.size))
        first = np.maximum.accumulate(starts)  # of the rows of one stage
        found[rows] = np.where(first > 0, rows[best[first - 1]], -1)
    return found


def changes(group: Ints, stage: Floats, mean: Floats) -> Ints:
    """Rows that took the record when they came, oldest first within each group; of one stage only the best can."""
    taken: list[int] = []
    before = incumbents(group, stage, mean)
    for rows in _groups(group, stage, mean):
        better = [r for r in rows if before[r] < 0 or mean[r] < mean[before[r]]]
        best: dict[tuple[float, ...], int] = {}
        for row in better:
            when = tuple(stage[row])
            if when not in best or mean[row] < mean[best[when]]:
                best[when] = int(row)
        taken += best.values()
    return np.array(taken, np.int64)


def _groups(group: Ints, stage: Floats, mean: Floats) -> Iterator[Ints]:
    """Rows of every group in order of time."""
    order = np.lexsort((stage[:, 1], stage[:, 0], group))
    order = order[(group[order] >= 0) & np.isfinite(mean[order])]
    yield from (part for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if part.size)


def _best_so_far(mean: Floats) -> Ints:
    """Place of the lowest value up to each place, the earlier of equals."""
    lowest = np.minimum.accumulate(mean)
    fresh = np.r_[True, lowest[1:] < lowest[:-1]]
    return np.maximum.accumulate(np.where(fresh, np.arange(mean.size), 0))
