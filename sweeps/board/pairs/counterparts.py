"""A cache of numbers about pairs: each entry has one counterpart, and its numbers are computed once per change."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Counterparts:
    """Every entry's counterpart, and numbers about the two."""

    def __init__(self, names: Sequence[str]) -> None:
        self.other: Ints = np.empty(0, np.int64)
        """Place of each entry's counterpart, −1 for none, int64 [entries]."""
        self.values: dict[str, Floats] = {name: np.empty(0) for name in names}
        """float64 [entries] of each name, NaN for no number."""
        self._versions: Ints = np.empty((2, 0), np.int64)
        """Versions of both that the numbers are about."""

    def update(self, other: Ints, version: Ints) -> Ints:
        """Set counterparts, clear outdated numbers, and return the places of the entries to compute.

        Args:
            other: place of each entry's counterpart, −1 for none, int64 [entries].
            version: raised with every change of an entry, int64 [entries].
        """
        new = other.size - self.other.size
        known = np.pad(self.other, (0, new), constant_values=-2)
        before = np.pad(self._versions, ((0, 0), (0, new)), constant_values=-1)
        now = np.stack([version, np.where(other >= 0, version[other], 0)])
        self.other, self._versions = other, now
        stale = np.flatnonzero((other != known) | (now != before).any(0))
        for name, values in self.values.items():
            self.values[name] = np.pad(values, (0, new), constant_values=np.nan)
            self.values[name][stale] = np.nan
        return stale
