"""The order in which public records came, as far as it is known.

Days decide where both records have one and the days differ; then the numbers of their pull requests; then the time at
which their logs were written. Where none of these decides, the order is not known, and neither came before the other.
The order is one of pairs: it is not transitive, so records cannot be sorted by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BLOCK = 512
"""Records that are compared with all others at once, which bounds the memory for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicOrder:
    """What is known of the order of a board's public records; arrays are [entries], NaN where a value is unknown."""

    is_record: Bools
    """Whether an entry is a public record."""
    barred: Bools
    """Whether an entry is no record to beat, whatever its score."""
    pull_request: Floats
    evidence_time: Floats
    """When the logs were written, in epoch seconds."""

    def find_best_before(self, places: Ints, epoch: Floats, able: Floats) -> Ints:
        """For each record, the best one that certainly came before it.

        Args:
            places: the records of one group.
            epoch: their days in epoch seconds, infinite where unknown.
            able: their scores, infinite where they are barred.

        Returns:
            Places, −1 for none, int64 [records].
        """
        best = np.full(places.size, -1)
        for rows, earlier, _ in self._compare(places, epoch):
            scores = np.where(earlier, able, np.inf)
            lowest = scores.argmin(1)
            any_before = np.isfinite(scores[np.arange(rows.size), lowest])
            best[rows] = np.where(any_before, places[lowest], -1)
        return best

    def find_rivals(self, places: Ints, epoch: Floats, able: Floats, to_beat: Floats) -> dict[int, Ints]:
        """Place → places of the records of unknown order that are better than the score to beat, best first.

        Args:
            places: as in `find_best_before`, as are `epoch` and `able`.
            to_beat: each record's score to beat, infinite where there is none, [records].
        """
        rivals = {}
        for rows, _, unknown in self._compare(places, epoch):
            for row, others in zip(rows, unknown & (able < to_beat[rows, None]), strict=True):
                if others.any():
                    which = np.flatnonzero(others)
                    rivals[int(places[row])] = places[which[np.argsort(able[which], kind="stable")]]
        return rivals

    def list_changes(self, places: Ints, epoch: Floats, mean: Floats) -> list[int]:
        """Of records that took the record, those with a day, oldest first; of several of unknown order the best."""
        dated = np.isfinite(epoch)
        places, epoch, mean = places[dated], epoch[dated], mean[dated]
        surpassed = np.zeros(places.size, bool)
        for rows, _, unknown in self._compare(places, epoch):
            surpassed[rows] = (unknown & (mean < mean[rows, None])).any(1)
        order = np.lexsort((self.evidence_time[places], self.pull_request[places], epoch))
        return [int(places[index]) for index in order if not surpassed[index]]

    def _compare(self, places: Ints, epoch: Floats) -> Iterator[tuple[Ints, Bools, Bools]]:
        """Blocks of records: their indices, which records came before each, and of which the order is not known."""
        day = np.where(np.isfinite(epoch), epoch, np.nan)
        for start in range(0, places.size, BLOCK):
            rows = np.arange(start, min(start + BLOCK, places.size))
            decided = rows[:, None] == np.arange(places.size)
            earlier = np.zeros_like(decided)
            for values in (day, self.pull_request[places], self.evidence_time[places]):
                before, after = values < values[rows, None], values > values[rows, None]  # False with NaN
                earlier |= before & ~decided
                decided |= before | after
            yield rows, earlier, ~decided
