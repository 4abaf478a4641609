"""The history of the record: the best entry before each one, and every change of the record in order of time.

Entries with the same arrival (the arms of one sweep, the winners of one search) do not count as before each other. Of
public records only the day is known, often not even that: see `sweeps.board.public_order`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sweeps.board.public_order import PublicOrder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def find_incumbents(group: Ints, arrival: Floats, mean: Floats, public: PublicOrder) -> Ints:
    """For each entry, find the best earlier entry of its group.

    Args:
        group: one number for each track and validation set that are compared, −1 for entries that are not, [entries].
        arrival: when each entry came, compared from the left, infinite where that is unknown, [entries, 2].
        mean: scores, lower is better, NaN for none, [entries].
        public: what else is known of the order of public records.

    Returns:
        Places of the incumbents, −1 for none, int64 [entries].
    """
    incumbents = np.full(group.size, -1)
    for places in _split_groups(group, arrival, mean):
        able = np.where(public.barred[places], np.inf, mean[places])
        if public.is_record[places[0]]:  # a group holds entries of one validation set, so all are records or none is
            incumbents[places] = public.find_best_before(places, arrival[places, 0], able)
            continue
        best = _best_so_far(able)
        same = (arrival[places[1:]] == arrival[places[:-1]]).all(1)
        starts = np.where(np.r_[False, same], 0, np.arange(places.size))
        first = np.maximum.accumulate(starts)  # of the entries with one arrival
        incumbents[places] = np.where(first > 0, places[best[first - 1]], -1)
    return incumbents


def find_rivals(group: Ints, arrival: Floats, mean: Floats, public: PublicOrder, incumbents: Ints) -> dict[int, Ints]:
    """Find the public records that may have been the one to beat: better than the incumbent, and of unknown order.

    Arguments as in `find_incumbents`, and what it returns.

    Returns:
        Place → places of its rivals, best first; without entries that have none.
    """
    rivals: dict[int, Ints] = {}
    for places in _split_groups(group, arrival, mean):
        if public.is_record[places[0]]:
            able = np.where(public.barred[places], np.inf, mean[places])
            to_beat = np.where(incumbents[places] >= 0, mean[incumbents[places]], np.inf)
            rivals |= public.find_rivals(places, arrival[places, 0], able, to_beat)
    return rivals


def find_changes(group: Ints, arrival: Floats, mean: Floats, public: PublicOrder) -> Ints:
    """Find the entries that took the record when they came, oldest first in each group; one at most for each arrival.

    Public records without a date are left out, and of those with one day and no known order all but the best.

    Arguments as in `find_incumbents`.
    """
    changes: list[int] = []
    before = find_incumbents(group, arrival, mean, public)
    for places in _split_groups(group, arrival, mean):
        able = [place for place in places if not public.barred[place]]
        better = [place for place in able if before[place] < 0 or mean[place] < mean[before[place]]]
        if public.is_record[places[0]]:
            changes += public.list_changes(np.array(better, np.int64), arrival[better, 0], mean[better])
            continue
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
