"""Tests across seeds of many entries, each against another: Welch's of all at once, and paired by training."""

import numpy as np

from sweeps.board.arrays import EntryArrays, Floats, Ints
from sweeps.board.pairs.seed_test import pair_by_training
from sweeps.statistics import paired_seeds
from sweeps.statistics.estimate import p_values, welch_parts


class TableTests:
    """Tests of the entries at some places against those at others, at any margin; p is NaN where a test is refused."""

    def __init__(self, arrays: EntryArrays, places: Ints, others: Ints) -> None:
        group = arrays.group
        same = (others >= 0) & (others != places) & (group[places] >= 0) & (group[places] == group[others])
        self._c, self._i = arrays.numbers[places], arrays.numbers[others]  # begin: mean, variance, n, bpb_per_nat
        self._ok = same & (self._c[:, 2] > 1) & (self._i[:, 2] > 1)
        self.comparable = same
        """Whether they are two entries of one track and validation set [entries]."""
        entries = arrays.entries
        several = np.flatnonzero(self._ok).tolist()
        pairs = ((at, pair_by_training(entries[places[at]], entries[others[at]])) for at in several)
        self._differences = {at: differences for at, differences in pairs if differences is not None}
        self.paired = np.zeros(places.size, bool)
        """Whether the paired test decides, since the two share their trainings [entries]."""
        self.paired[list(self._differences)] = True

    def welch(self, margin_nats: float) -> Floats:
        """One-sided p of Welch's test, with a margin in nats per token [entries]."""
        margin = self._margin(margin_nats)
        p, ok = np.full(self._ok.size, np.nan), self._ok & np.isfinite(margin) & (self._c[:, 1] + self._i[:, 1] > 0)
        c, i = self._c[ok].T, self._i[ok].T
        difference, error, df = welch_parts(c[0], c[1], c[2], i[0], i[1], i[2])
        p[ok] = p_values(-difference - margin[ok], error, df)[1]
        return p

    def paired_seeds(self, margin_nats: float) -> Floats:
        """One-sided p of the test paired by training, with a margin in nats per token [entries]."""
        p, margin = np.full(self._ok.size, np.nan), self._margin(margin_nats)
        for at, differences in self._differences.items():
            if np.isfinite(margin[at]):
                p[at] = paired_seeds(differences, abs(self._c[at, 0]) + abs(self._i[at, 0]), margin[at]).p_value
        return p

    def deciding(self, margin_nats: float) -> Floats:
        """One-sided p of the test that decides [entries]."""
        return np.where(self.paired, self.paired_seeds(margin_nats), self.welch(margin_nats))

    def _margin(self, nats: float) -> Floats:
        """A margin in bits per byte [entries]; NaN where the unit of the validation set is unknown."""
        return nats * self._c[:, 3] if nats else np.zeros(self._ok.size)
