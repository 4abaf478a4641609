"""A leaderboard that can grow. It follows a sweep of a hundred thousand runs as it goes.

A changed entry costs its own work and one pass over the arrays. Flagged entries are tested against none, and a test
across tracks or validation sets is refused (None).
"""

import gc
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.board import frontier
from sweeps.board.arrays import TRACKS, EntryArrays, Floats, Ints, Objects
from sweeps.board.board_tests import BoardTests
from sweeps.board.columns.catalog import COLUMNS
from sweeps.board.columns.own import OWN_COLUMNS
from sweeps.board.columns.verdict import Verdicts, judge_entries
from sweeps.board.columns.whole import TABLE_COLUMNS, Table, keep_known
from sweeps.board.entries import BoardEntry, build_entry, build_imported_entry
from sweeps.board.evaluation import Evaluation, ImportedEntry
from sweeps.board.ledger import SweepOwner, TriesLedger, correct_p, shrink_gain
from sweeps.board.margin_rules import MARGIN_RULES, PROFILE_RULES
from sweeps.board.pairs.differences import ReadScores
from sweeps.board.rules import Profile, Published

if TYPE_CHECKING:
    import pandas as pd

PLANNED_RANKS = 10
"""Entries at the top of each track for which the seeds that their claim still needs are computed."""
_OWN_PLACES = [COLUMNS.index(column.name) for column in OWN_COLUMNS]
_NAME = [column.name for column in OWN_COLUMNS].index("name")


@contextmanager
def _without_collection() -> Iterator[None]:
    """Suspend garbage collection: it would visit very many new objects, none in a cycle, again and again.

    Freezing and unfreezing afterwards makes them old at once, so that the next pass over young objects skips them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


class Board:
    """A leaderboard that can grow: `add` entries, then take `table` or `frame`, as often as there is news."""

    def __init__(
        self,
        *,
        profile: Profile,
        baseline: str | Published | None,
        read_scores: ReadScores | None,
        owners: Mapping[str, SweepOwner] | None = None,
    ) -> None:
        self._owners = owners or {}
        """Sweep → who tried its settings."""
        self._profile, self.baseline = profile, baseline
        self._arrays = EntryArrays()
        rule = MARGIN_RULES[PROFILE_RULES[profile]]
        self._tests = BoardTests(self._arrays, baseline=baseline, rule=rule, read_scores=read_scores)
        self._base = -1
        """Place of the baseline's entry, −1 for none."""

    @_without_collection()
    def add(
        self, runs: Iterable[Evaluation] = (), records: Iterable[ImportedEntry] = (), *, shown: bool = True
    ) -> None:
        """Add evaluations, which make or extend the entries that they name, and public records.

        Args:
            runs: an evaluation replaces an earlier one of the same entry and seed.
            records: a record replaces an earlier one of the same name.
            shown: whether they are in the table; hidden ones only serve for comparison.
        """
        grown: dict[tuple[str, str], dict[int, Evaluation]] = {}
        for run in runs:
            key = (run.sweep, run.row)
            if key not in grown:
                known = self._arrays.find(key)
                grown[key] = {} if known is None else {old.seed: old for old in known.runs}
            grown[key][run.seed] = run
        self._arrays.make_room(len(self._arrays.entries) + len(grown))
        for key, seeds in grown.items():
            self._put(key, build_entry(list(seeds.values()), self._profile), shown)
        for record in records:
            self._put(("import", record.name, ""), build_imported_entry(record), shown)

    def frame(self) -> "pd.DataFrame":
        """The table as a pandas frame of Python objects."""
        import pandas as pd  # importing it takes longer than the table

        return pd.DataFrame(self._cells(), columns=pd.Index(COLUMNS), dtype=object)

    def table(self) -> list[dict[str, Any]]:
        """The table: legal entries first, best first within a track; None where a value is unknown."""
        return [dict(zip(COLUMNS, cells, strict=True)) for cells in self._cells().tolist()]

    @_without_collection()
    def _cells(self) -> Objects:
        """The table's cells [entries, columns]."""
        self._tests.update(self._base)
        order = self._sort_shown()
        cells = np.empty((order.size, len(COLUMNS)), object)
        cells[:, _OWN_PLACES] = self._arrays.own[order]
        table = self._make_table(order)
        for column in TABLE_COLUMNS:
            cells[:, COLUMNS.index(column.name)] = column.compute(table)
        return cells

    def changes(self) -> list[dict[str, Any]]:
        """Every change of a record by track and validation set, oldest first, with its p-value."""
        self._tests.update(self._base)
        return [self._describe_change(place) for place in self._find_changes()]

    def leaders(self) -> list[BoardEntry]:
        """Entries that were a record when they came, or that one which is shown has to beat, hidden ones included."""
        self._tests.update(self._base)
        shown = np.flatnonzero(np.array(self._arrays.shown, bool))
        beaten = self._tests.to_incumbent.other[shown]
        return [self._arrays.entries[place] for place in sorted({*self._find_changes(), *beaten.tolist()} - {-1})]

    def _find_changes(self) -> list[int]:
        """Places of the entries that changed a record, oldest first."""
        arrival, mean = self._arrays.column("epoch", "order"), self._arrays.column("mean")[:, 0]
        return list(frontier.find_changes(self._arrays.group, arrival, mean, self._arrays.public_order))

    def entries(self) -> list[BoardEntry]:
        """Every entry, hidden ones included."""
        return list(self._arrays.entries)

    def opponent_of(self, entry: BoardEntry) -> BoardEntry | Published | None:
        """What an entry's verdict is against: its current record, else the baseline; None for the baseline itself."""
        self._tests.update(self._base)
        place = self._arrays.entries.index(entry)
        if (record := int(self._tests.to_incumbent.other[place])) >= 0:
            return self._arrays.entries[record]
        if isinstance(self.baseline, Published):
            return self.baseline
        return self._arrays.entries[self._base] if self._base not in (-1, place) else None

    def _put(self, key: Hashable, entry: BoardEntry, shown: bool) -> None:
        place = self._arrays.put(key, entry, shown)
        if shown and entry.source == "golfsweep" and entry.name == self.baseline:
            self._base = place

    def _describe_change(self, place: int) -> dict[str, Any]:
        entry, before = self._arrays.entries[place], int(self._tests.to_incumbent.other[place])
        values = {name: float(numbers[place]) for name, numbers in self._tests.to_incumbent.values.items()}
        over = self._arrays.entries[before] if before >= 0 else None
        mean = self._arrays.column("mean")[:, 0]
        return {
            "name": entry.name,
            "sweep": entry.sweep or None,
            "track": entry.track,
            "date": entry.date,
            "val_bpb_mean": float(mean[place]),
            "over": over.name_within(entry.sweep) if over else None,
            "difference_mbpb": _keep_known(1000 * values["difference"]),
            "difference_seeds": int(values["seeds"]) if over else None,
            "difference_means_mbpb": float(1000 * (mean[place] - mean[before])) if over else None,
            "p_value": _keep_known(values["precedent"]),
        }

    def _sort_shown(self) -> Ints:
        """Places of the shown entries in the table's order: by track, then score, then name."""
        places = np.flatnonzero(np.array(self._arrays.shown, bool))
        tracks, means = self._arrays.column("track", "mean")[places].T
        names = self._arrays.own[places, _NAME]
        by_name = np.argsort(np.argsort(names, kind="stable"), kind="stable")
        return places[np.lexsort((by_name, means, tracks))]

    def _make_table(self, order: Ints) -> Table:
        arrays, entries, rule = self._arrays, self._arrays.entries, PROFILE_RULES[self._profile]
        names = ("mean", "variance", "n", "bpb_per_nat")
        track = arrays.column("track")[order, 0].astype(np.int64)
        rank = _rank(track, arrays.column("machine_class")[order, 0])
        base, values = self._tests.to_base.values, self._tests.to_incumbent.values
        incumbents = self._tests.to_incumbent.other[order]
        top = {index: int(order[index]) for index in np.flatnonzero(rank <= PLANNED_RANKS).tolist()}
        verdicts = judge_entries(
            entries, order, self._tests.to_incumbent, self._tests.to_base, MARGIN_RULES[rule].level
        )
        return Table(
            **dict(zip(names, arrays.column(*names)[order].T, strict=True)),
            entries=[entries[place] for place in order.tolist()],
            incumbents=[entries[place] if place >= 0 else None for place in incumbents.tolist()],
            rivals=[[entries[other].name for other in self._tests.rivals.get(place, ())] for place in order.tolist()],
            rank=rank,
            track=track,
            p_baseline=base["p"][order],
            p_paired=base["paired"][order],
            p_paired_seeds=base["paired_seeds"][order],
            p_rules={name: values[name][order] for name in MARGIN_RULES},
            p_rules_paired={name: values[rule.paired_column][order] for name, rule in MARGIN_RULES.items()},
            verdicts=verdicts,
            ledger=self._read_ledger(top, verdicts),
            incumbent_mean=np.where(incumbents >= 0, arrays.column("mean")[incumbents, 0], np.nan),
            difference=values["difference"][order],
            common_seeds=values["seeds"][order],
            confirmations=self._count_confirmations(order),
            family=self._tests.judge_family(self._base, order),
            settlements=self._tests.plan_settlements(top, rule),
            record_settlements=self._tests.plan_settlements(top, "written_rule"),
            settled_by=rule,
            baseline=self.baseline,
        )

    def _read_ledger(self, top: Mapping[int, int], verdicts: Verdicts) -> dict[int, Mapping[str, Any]]:
        """What the ledger of tries says of entries, for places by index: index → its columns."""
        entries = self._arrays.entries
        ledger = TriesLedger(entries, self._owners)
        columns: dict[int, Mapping[str, Any]] = {}
        for index, place in top.items():
            tries, other = ledger.tries(entries[place]), int(verdicts.opponents[index])
            gain = None if other < 0 else shrink_gain(entries[place], entries[other], tries.total)
            columns[index] = {
                "tries": tries.total,
                "tried_by": list(tries.by),
                "p_tries": correct_p(float(verdicts.p[index]), tries.total),
                "shrunken_gain_mbpb": None if gain is None else 1000 * gain,
            }
        return columns

    def _count_confirmations(self, order: Ints) -> Objects:
        """Evaluations on each entry's validation set, its own included; None for public records."""
        runs, sets = self._arrays.column("runs", "set").astype(np.int64).T
        sums = np.bincount(sets, weights=runs, minlength=1)[sets][order]
        return keep_known(np.where(runs[order] > 0, sums, np.nan), sums.astype(np.int64))


def _rank(track: Ints, machine_class: Floats) -> Ints:
    """Ranks within each track, from 1, of entries in the table's order; those of other machine classes do not count."""
    ranks = _count(track)
    for kind in np.unique(machine_class[machine_class > 0]):
        places = np.flatnonzero((machine_class == kind) | (machine_class == 0))
        own = machine_class[places] == kind
        ranks[places[own]] = _count(track[places])[own]
    return ranks


def _count(track: Ints) -> Ints:
    """Each entry's number within its track, from 1; `track` rises."""
    return np.arange(track.size) - np.searchsorted(track, np.arange(len(TRACKS)))[track] + 1


def _keep_known(value: float) -> float | None:
    return None if np.isnan(value) else value
