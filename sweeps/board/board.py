"""The leaderboard's entries and their tests, kept in arrays so that it follows a sweep of a hundred thousand runs.

A changed entry costs its own work and one pass over the arrays. Flagged entries are tested against none, and a test
across tracks or validation sets is refused (None).
"""

import gc
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.board import frontier
from sweeps.board.columns.catalog import COLUMNS
from sweeps.board.columns.own import OWN_COLUMNS
from sweeps.board.columns.whole import TABLE_COLUMNS, Table, keep_known
from sweeps.board.entries import Entry, build_entry, build_imported_entry
from sweeps.board.evaluation import Evaluation, ImportedEntry, Published
from sweeps.board.margin_rules import MARGIN_RULES, PROFILE_RULES, MarginRule
from sweeps.board.pairs.counterparts import Counterparts
from sweeps.board.pairs.differences import ReadScores, compare_common_seeds, compute_paired_p, compute_published_p
from sweeps.board.pairs.families import LARGEST_FAMILY, Family, judge_family
from sweeps.board.pairs.settlement import Settlement, plan_settlement
from sweeps.board.rules import Profile, Track
from sweeps.statistics.estimate import p_values, welch_parts

TRACKS: tuple[Track, ...] = ("legal", "flagged", "unverified")
PLANNED_RANKS = 10
"""Entries at the top of each track for which the seeds that their claim still needs are computed."""
Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NUMBERS = ("mean", "variance", "n", "bpb_per_nat", "epoch", "order", "runs", "track", "set", "seeds")
_OWN_PLACES = [COLUMNS.index(column.name) for column in OWN_COLUMNS]
_NAME = [column.name for column in OWN_COLUMNS].index("name")


@contextmanager
def _without_collection() -> Iterator[None]:
    """Suspend garbage collection: very many objects come, none in a cycle, and every pass would visit them all.

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
    """A leaderboard that can grow: `add` entries, then take the table by `frame`, as often as there is news."""

    def __init__(self, *, profile: Profile, baseline: str | Published | None, read_scores: ReadScores | None) -> None:
        self._profile, self._baseline, self._read_scores = profile, baseline, read_scores
        self._slots: dict[Hashable, int] = {}
        self._entries: list[Entry] = []
        self._shown: list[bool] = []
        self._groups: dict[tuple[str, str], int] = {}
        self._sets: dict[str, int] = {}
        self._seed_sets: dict[tuple[str, ...], int] = {}
        self._base_slot = -1
        """Place of the baseline's entry, −1 for none."""
        self._numbers: Floats = np.empty((0, len(_NUMBERS)))
        self._group: Ints = np.empty(0, np.int64)
        self._version: Ints = np.empty(0, np.int64)
        self._own: Objects = np.empty((0, len(OWN_COLUMNS)), object)
        """Values of the own columns."""
        self._to_base = Counterparts(("p", "paired"))
        self._to_incumbent = Counterparts((*MARGIN_RULES, "difference", "seeds"))
        self._families: dict[Hashable, Family] = {}
        self._settlements: dict[Hashable, Settlement] = {}

    @_without_collection()
    def add(
        self, runs: Iterable[Evaluation] = (), records: Iterable[ImportedEntry] = (), *, shown: bool = True
    ) -> None:
        """Add evaluations, which make or extend the entries that they name, and public records.

        Args:
            runs: an evaluation replaces an earlier one of the same entry and seed.
            records: a record replaces an earlier one of the same name.
            shown: whether they stand in the table; hidden ones only serve for comparison.
        """
        grown: dict[tuple[str, str], dict[int, Evaluation]] = {}
        for run in runs:
            key = (run.sweep, run.row)
            if key not in grown:
                known = self._entries[self._slots[key]].runs if key in self._slots else ()
                grown[key] = {old.seed: old for old in known}
            grown[key][run.seed] = run
        self._make_room(len(self._entries) + len(grown))
        for key, seeds in grown.items():
            self._put(key, build_entry(list(seeds.values()), self._profile), shown)
        for record in records:
            self._put(("import", record.name, ""), build_imported_entry(record), shown)

    @_without_collection()
    def frame(self) -> pd.DataFrame:
        """The table: legal entries first, best first within a track; None where a value is unknown."""
        self._test_against_base()
        self._test_against_incumbents()
        order = self._sort(np.array(self._shown, bool))
        cells = np.empty((order.size, len(COLUMNS)), object)
        cells[:, _OWN_PLACES] = self._own[order]
        table = self._table(order)
        for column in TABLE_COLUMNS:
            cells[:, COLUMNS.index(column.name)] = column.compute(table)
        return pd.DataFrame(cells, columns=pd.Index(COLUMNS), dtype=object)

    def changes(self) -> list[dict[str, Any]]:
        """Every change of a record by track and validation set, oldest first, with its p-value; call `frame` before."""
        count = len(self._entries)
        slots = frontier.find_changes(self._group[:count], self._column("epoch", "order"), self._column("mean")[:, 0])
        return [self._change(slot) for slot in slots]

    def entries(self) -> list[Entry]:
        """Every entry, hidden ones included."""
        return list(self._entries)

    def _change(self, slot: int) -> dict[str, Any]:
        entry, before = self._entries[slot], int(self._to_incumbent.other[slot])
        values = {name: float(numbers[slot]) for name, numbers in self._to_incumbent.values.items()}
        over = self._entries[before] if before >= 0 else None
        means = float(self._numbers[slot, 0] - self._numbers[before, 0]) if over else np.nan
        return {
            "name": entry.name,
            "sweep": entry.sweep or None,
            "track": entry.track,
            "date": entry.date,
            "val_bpb_mean": float(self._numbers[slot, 0]),
            "over": over.name_within(entry.sweep) if over else None,
            "difference_mbpb": _keep_known(1000 * values["difference"]),
            "difference_seeds": int(values["seeds"]) if over else None,
            "difference_means_mbpb": _keep_known(1000 * means),
            "p_value": _keep_known(values["precedent"]),
        }

    # Entries

    def _put(self, key: Hashable, entry: Entry, shown: bool) -> None:
        slot = self._slots.setdefault(key, len(self._entries))
        if slot == len(self._entries):
            self._entries.append(entry)
            self._shown.append(shown)
            self._make_room(len(self._entries))
        self._entries[slot], self._shown[slot] = entry, shown
        self._version[slot] += 1
        group = (
            -1 if entry.track == "flagged" else self._groups.setdefault((entry.track, entry.data), len(self._groups))
        )
        self._group[slot] = group
        self._numbers[slot] = self._describe(entry)
        self._own[slot] = list(entry.columns.values())
        if shown and entry.source == "golfsweep" and entry.name == self._baseline:
            self._base_slot = slot

    def _describe(self, entry: Entry) -> tuple[float, ...]:
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
        )
        return (*numbers, unit, *entry.arrival, len(entry.runs), *codes)

    def _make_room(self, entries: int) -> None:
        """Make room for this many entries and some more."""
        if entries > len(self._version):
            size = max(16, entries + entries // 2)
            for name, empty in (("_numbers", np.nan), ("_group", -1), ("_version", 0), ("_own", None)):
                old = getattr(self, name)
                new = np.full((size, *old.shape[1:]), empty, old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)

    def _column(self, *names: str) -> Floats:
        numbers: Floats = self._numbers[: len(self._entries), [_NUMBERS.index(name) for name in names]]
        return numbers

    # Tests

    def _test_against_base(self) -> None:
        count, base = len(self._entries), self._base_slot
        slots = self._to_base.update(np.full(count, base), self._version[:count])
        values = self._to_base.values
        values["p"][slots] = self._welch(slots, np.full(slots.size, base), MARGIN_RULES["written_rule"])
        if isinstance(self._baseline, Published):
            for slot in slots:
                values["p"][slot] = compute_published_p(self._entries[slot], self._baseline)
        elif base >= 0 and self._read_scores is not None and self._group[base] >= 0:
            for slot in slots[(slots != base) & (self._group[slots] == self._group[base])]:
                values["paired"][slot] = compute_paired_p(self._entries[slot], self._entries[base], self._read_scores)

    def _test_against_incumbents(self) -> None:
        count = len(self._entries)
        arrival, mean = self._column("epoch", "order"), self._column("mean")[:, 0]
        incumbents = frontier.find_incumbents(self._group[:count], arrival, mean)
        slots = self._to_incumbent.update(incumbents, self._version[:count])
        others = incumbents[slots]
        values = self._to_incumbent.values
        for name, rule in MARGIN_RULES.items():
            values[name][slots] = self._welch(slots, others, rule)
        n, seeds = self._column("n", "seeds").T
        same = (others >= 0) & (seeds[slots] == seeds[others]) & (seeds[slots] >= 0)  # all seeds are in common
        values["difference"][slots[same]] = mean[slots[same]] - mean[others[same]]
        values["seeds"][slots[same]] = n[slots[same]]
        rest = (others >= 0) & ~same
        for slot, other in zip(slots[rest], others[rest], strict=True):
            difference = compare_common_seeds(self._entries[slot], self._entries[other])
            values["difference"][slot], values["seeds"][slot] = difference

    def _welch(self, slots: Ints, others: Ints, rule: MarginRule) -> Floats:
        """One-sided p of Welch's test of entries against others with a rule's margin; NaN where it is refused."""
        p = np.full(slots.size, np.nan)
        c, i = self._numbers[slots], self._numbers[others]  # begin with mean, variance, n, bpb_per_nat
        margin = rule.margin_nats * c[:, 3] if rule.margin_nats else np.zeros(slots.size)
        group = self._group[slots]
        same = (others >= 0) & (others != slots) & (group >= 0) & (group == self._group[others])
        ok = same & (c[:, 2] > 1) & (i[:, 2] > 1) & (c[:, 1] + i[:, 1] > 0) & np.isfinite(margin)
        c, i = c[ok].T, i[ok].T
        difference, error, df = welch_parts(c[0], c[1], c[2], i[0], i[1], i[2])
        p[ok] = p_values(-difference - margin[ok], error, df)[1]
        return p

    # The table

    def _sort(self, shown: NDArray[np.bool_]) -> Ints:
        """Places of the shown entries in the table's order: by track, then score, then name."""
        slots = np.flatnonzero(shown)
        tracks, means = self._column("track")[slots, 0], self._column("mean")[slots, 0]
        names = self._own[slots, _NAME]
        by_name = np.argsort(np.argsort(names, kind="stable"), kind="stable")
        return slots[np.lexsort((by_name, means, tracks))]

    def _table(self, order: Ints) -> Table:
        names = ("mean", "variance", "n", "bpb_per_nat")
        numbers = dict(zip(names, self._column(*names)[order].T, strict=True))
        track = self._column("track")[order, 0].astype(np.int64)
        rank = np.arange(order.size) - np.searchsorted(track, np.arange(len(TRACKS)))[track] + 1
        values, incumbents = self._to_incumbent.values, self._to_incumbent.other[order]
        return Table(
            **numbers,
            entries=[self._entries[slot] for slot in order.tolist()],
            incumbents=[self._entries[slot] if slot >= 0 else None for slot in incumbents.tolist()],
            rank=rank,
            track=track,
            p_baseline=self._to_base.values["p"][order],
            p_paired=self._to_base.values["paired"][order],
            p_rules={name: values[name][order] for name in MARGIN_RULES},
            incumbent_mean=np.where(incumbents >= 0, self._numbers[incumbents, 0], np.nan),
            difference=values["difference"][order],
            common_seeds=values["seeds"][order],
            confirmations=self._count_confirmations(order),
            family=self._judge_family(order),
            settlements=self._settle(order, rank),
            settled_by=PROFILE_RULES[self._profile],
            baseline=self._baseline,
        )

    def _count_confirmations(self, order: Ints) -> Objects:
        """Evaluations on each entry's validation set, its own included; None for public records."""
        runs, sets = self._column("runs", "set").astype(np.int64).T
        sums = np.bincount(sets, weights=runs, minlength=1)[sets][order]
        return keep_known(np.where(runs[order] > 0, sums, np.nan), sums.astype(np.int64))

    def _judge_family(self, order: Ints) -> dict[int, Mapping[str, float | None]]:
        """Place in the table → pooled columns; empty without a baseline, or where its sweep is too large."""
        base = self._base_slot
        if base < 0 or self._group[base] < 0:
            return {}
        sweep, near = self._entries[base].sweep, np.flatnonzero(self._group[order] == self._group[base])
        places = [place for place in near.tolist() if self._entries[order[place]].sweep == sweep]
        if len(places) > LARGEST_FAMILY:
            return {}
        members = order[places].tolist()
        key = (base, *members, *self._version[members].tolist())
        if key not in self._families:
            self._families = {key: judge_family([self._entries[slot] for slot in members], self._entries[base])}
        family = self._families[key]
        entries = {place: self._entries[slot] for place, slot in zip(places, members, strict=True)}
        return {place: family[entry] for place, entry in entries.items() if entry in family}

    def _settle(self, order: Ints, rank: Ints) -> dict[int, Settlement]:
        """Place in the table → what its claim still needs by the profile's own rule, for the top of each track."""
        name = PROFILE_RULES[self._profile]
        settlements = {}
        for place in np.flatnonzero(rank <= PLANNED_RANKS).tolist():
            slot = int(order[place])
            p, other = float(self._to_incumbent.values[name][slot]), int(self._to_incumbent.other[slot])
            if np.isnan(p):  # of one seed, without an incumbent, or against an unknown margin
                continue
            key = (slot, self._version[slot], other, self._version[other])
            if key not in self._settlements:
                entries = (self._entries[slot], self._entries[other])
                self._settlements[key] = plan_settlement(*entries, p, MARGIN_RULES[name])
            settlements[place] = self._settlements[key]
        return settlements


def _keep_known(value: float) -> float | None:
    return None if np.isnan(value) else value
