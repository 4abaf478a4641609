"""The history of the record: the best entry before each one, and every change of the record in order of time.

Entries with the same arrival (the arms of one sweep, the winners of one search) do not count as before each other.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def find_incumbents(group: Ints, arrival: Floats, mean: Floats) -> Ints:
    """For each entry, find the best earlier entry of its group.

    Args:
        group: one number for each track and validation set that are compared, −1 for entries that are not, [entries].
        arrival: when each entry came, compared from the left, [entries, 2].
        mean: scores, lower is better, NaN for none, [entries].

    Returns:
        Places of the incumbents, −1 for none, int64 [entries].
    """
    incumbents = np.full(group.size, -1)
    for places in _split_groups(group, arrival, mean):
        best = _best_so_far(mean[places])
        same = (arrival[places[1:]] == arrival[places[:-1]]).all(1)
        starts = np.where(np.r_[False, same], 0, np.arange(places.size))
        first = np.maximum.accumulate(starts)  # of the entries with one arrival
        incumbents[places] = np.where(first > 0, places[best[first - 1]], -1)
    return incumbents


def find_changes(group: Ints, arrival: Floats, mean: Floats) -> Ints:
    """Find the entries that took the record when they came, oldest first in each group; one at most for each arrival.

    Arguments as in `find_incumbents`.
    """
    changes: list[int] = []
    before = find_incumbents(group, arrival, mean)
    for places in _split_groups(group, arrival, mean):
        better = [place for place in places if before[place] < 0 or mean[place] < mean[before[place]]]
        best: dict[tuple[float, ...], int] = {}
        for place in better:
            when = tuple(arrival[place])
            if when not in best or mean[place] < mean[best[when]]:
                best[when] = int(place)
        changes += best.values()
    return np.array(changes, np.int64)


def _split_groups(group: Ints, arrival: Floats, mean: Floats) -> Iterator[Ints]:
    """Places of the entries of each group in order of time."""
    order = np.lexsort((arrival[:, 1], arrival[:, 0], group))
    order = order[(group[order] >= 0) & np.isfinite(mean[order])]
    yield from (part for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if part.size)


def _best_so_far(mean: Floats) -> Ints:
    """Place of the lowest value up to each place, the earlier of equals."""
    lowest = np.minimum.accumulate(mean)
    lower = np.r_[True, lowest[1:] < lowest[:-1]]
    return np.maximum.accumulate(np.where(lower, np.arange(mean.size), 0))
