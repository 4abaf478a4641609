"""The entries of a leaderboard, their own columns, and the numbers that tests and ranks need, as growing arrays."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from sweeps.board.columns.own import OWN_COLUMNS
from sweeps.board.entries import BoardEntry
from sweeps.board.public_order import PublicOrder
from sweeps.board.rules import Track

TRACKS: tuple[Track, ...] = ("legal", "flagged", "unverified")
"""In the order of the leaderboard."""
Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NUMBERS = (
    *("mean", "variance", "n", "bpb_per_nat", "epoch", "order", "pull_request", "evidence_time", "barred", "record"),
    *("runs", "track", "set", "seeds", "machine_class"),
)


class EntryArrays:
    """Entries by place; `put` replaces an entry of the same key at its place."""

    def __init__(self) -> None:
        self.entries: list[BoardEntry] = []
        self.shown: list[bool] = []
        """Whether an entry is in the table."""
        self._places: dict[Hashable, int] = {}
        self._groups: dict[tuple[str, str, str], int] = {}
        self._classes: dict[str, int] = {"": 0}
        """Machine class → its number; 0 for entries that have none."""
        self._sets: dict[str, int] = {}
        self._seed_sets: dict[tuple[str, ...], int] = {}
        self._numbers: Floats = np.empty((0, len(_NUMBERS)))
        self._group: Ints = np.empty(0, np.int64)
        self._version: Ints = np.empty(0, np.int64)
        self._own: Objects = np.empty((0, len(OWN_COLUMNS)), object)

    @property
    def numbers(self) -> Floats:
        """The numbers of every entry [entries, names], beginning with mean, variance, n, bpb_per_nat."""
        return self._numbers[: len(self.entries)]

    @property
    def group(self) -> Ints:
        """A number for each track, validation set and machine class; those of one are compared; −1 if flagged."""
        return self._group[: len(self.entries)]

    @property
    def version(self) -> Ints:
        """Raised with every change of an entry [entries]."""
        return self._version[: len(self.entries)]

    @property
    def own(self) -> Objects:
        """Values of the own columns [entries, columns]."""
        return self._own[: len(self.entries)]

    def column(self, *names: str) -> Floats:
        """Some of the numbers [entries, names]."""
        columns: Floats = self.numbers[:, [_NUMBERS.index(name) for name in names]]
        return columns

    @property
    def public_order(self) -> PublicOrder:
        """What is known of the order of the public records among the entries."""
        pull_request, evidence_time, barred, record = self.column("pull_request", "evidence_time", "barred", "record").T
        return PublicOrder(
            is_record=record > 0, barred=barred > 0, pull_request=pull_request, evidence_time=evidence_time
        )

    def find(self, key: Hashable) -> BoardEntry | None:
        """The entry of a key."""
        place = self._places.get(key)
        return None if place is None else self.entries[place]

    def put(self, key: Hashable, entry: BoardEntry, shown: bool) -> int:
        """Add or replace an entry, and return its place."""
        place = self._places.setdefault(key, len(self.entries))
        if place == len(self.entries):
            self.entries.append(entry)
            self.shown.append(shown)
            self.make_room(len(self.entries))
        self.entries[place], self.shown[place] = entry, shown
        self._version[place] += 1
        new_group, flagged = len(self._groups), entry.track == "flagged"
        self._group[place] = (
            -1 if flagged else self._groups.setdefault((entry.track, entry.data, entry.machine_class), new_group)
        )
        self._numbers[place] = self._describe(entry)
        self._own[place] = list(entry.columns.values())
        return place

    def make_room(self, entries: int) -> None:
        """Make room for this many entries and some more."""
        if entries > len(self._version):
            size = max(16, entries + entries // 2)
            for name, empty in (("_numbers", np.nan), ("_group", -1), ("_version", 0), ("_own", None)):
                old = getattr(self, name)
                new = np.full((size, *old.shape[1:]), empty, old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)

    def _describe(self, entry: BoardEntry) -> tuple[float, ...]:
        """An entry's numbers, in the order of _NUMBERS."""
        moments = entry.moments
        numbers = (np.nan, np.nan, 0) if moments is None else (moments.mean, moments.variance, moments.n)
        unit = np.nan if entry.bpb_per_nat is None else entry.bpb_per_nat
        seeds = tuple(entry.seeds)
        complete = moments is not None and moments.n == len(seeds)
        codes = (
            TRACKS.index(entry.track),
            self._sets.setdefault(entry.data, len(self._sets)),
            self._seed_sets.setdefault(seeds, len(self._seed_sets)) if complete else -1,
            self._classes.setdefault(entry.machine_class, len(self._classes)),
        )
        hints = (_or_nan(entry.pull_request), _or_nan(entry.evidence_time), entry.barred, entry.validation_set is None)
        return (*numbers, unit, *entry.arrival, *hints, len(entry.runs), *codes)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
