"""All rows at once: what a row says of itself stands in arrays, and whatever takes two rows is worked out from them.

A row that changes costs its own work and one pass over the arrays, so that a table of a hundred thousand runs follows
a sweep as it goes. Flagged rows are tested with nobody; a test across tracks or texts is refused (None).
"""

import gc
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sweeps.board import frontier
from sweeps.board.evaluation import Evaluation, ImportedRow, Published
from sweeps.board.pairs import (
    LARGEST_FAMILY,
    Family,
    Pairs,
    Settlement,
    family,
    paired_p,
    plan,
    published_p,
    seed_difference,
)
from sweeps.board.rows import Row, imported_row, row_of
from sweeps.board.rules import Profile, Track
from sweeps.board.verdicts import RULE_OF, STANDARDS
from sweeps.statistics import holm
from sweeps.statistics.documents import ScoreTable
from sweeps.statistics.estimate import CONFIDENCE, p_values, welch_parts

if TYPE_CHECKING:
    import pandas as pd

TRACKS: tuple[Track, ...] = ("legal", "flagged", "unverified")
PLANNED_RANKS = 10
"""Rows of a track, from the top, for which it is worked out what would settle their claim."""
Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = Callable[[str], ScoreTable]
"""Digest → a row a document: document, nll (nats), tokens, bytes."""
_SETTLED = ("seeds_to_settle", "dollars_to_settle", "incumbent_too", "settled_by")
_NUMBERS = ("mean", "variance", "n", "margin", "epoch", "order", "runs", "track", "text", "seeds")


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: very many objects come, none in a cycle, and every pass would visit them all.

    Freezing and thawing makes them old at once, so that the next pass over what is young does not begin with them.
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
    """Rows that come and change; `table` is how they stand, `frame` the same as a pandas frame."""

    def __init__(
        self, columns: Sequence[str], *, profile: Profile, baseline: str | Published | None, scores: Scores | None
    ) -> None:
        self._columns = list(columns)
        self._blank: dict[str, Any] = dict.fromkeys(columns)
        self._profile, self._baseline, self._scores = profile, baseline, scores
        self._slots: dict[Hashable, int] = {}
        self._rows: list[Row] = []
        self._shown: list[bool] = []
        self._groups: dict[tuple[str, str], int] = {}
        self._texts: dict[str, int] = {}
        self._seed_sets: dict[tuple[str, ...], int] = {}
        self._base_slot = -1
        """Where the baseline's row is; −1 where it is none."""
        self._numbers: Floats = np.empty((0, len(_NUMBERS)))
        self._group: Ints = np.empty(0, np.int64)
        self._version: Ints = np.empty(0, np.int64)
        self._cells: Objects = np.empty((0, len(self._columns)), object)
        self._base, self._incumbent = Pairs(("p", "paired")), Pairs(("p", "p_margin", "difference", "seeds"))
        self._families: dict[Hashable, Family] = {}
        self._plans: dict[Hashable, Settlement] = {}

    @_uncollected()
    def add(self, runs: Iterable[Evaluation] = (), records: Iterable[ImportedRow] = (), *, shown: bool = True) -> None:
        """Take in evaluations, which make or extend the rows that they name, and public records.

        Args:
            runs: a seed that a row has already takes the older one's place.
            records: likewise by name.
            shown: whether they stand in the table; those that do not are only what others are compared with.
        """
        grown: dict[tuple[str, str], dict[int, Evaluation]] = {}
        for run in runs:
            key = (run.sweep, run.row)
            if key not in grown:
                known = self._rows[self._slots[key]].runs if key in self._slots else ()
                grown[key] = {old.seed: old for old in known}
            grown[key][run.seed] = run
        self._make_room(len(self._rows) + len(grown))
        for key, seeds in grown.items():
            self._put(key, row_of(list(seeds.values()), self._profile), shown)
        for record in records:
            self._put(("import", record.name, ""), imported_row(record), shown)

    def frame(self) -> "pd.DataFrame":
        """The table as a pandas frame."""
        import pandas as pd  # takes longer to import than the table to compute

        return pd.DataFrame(self._table(), columns=pd.Index(self._columns), dtype=object)

    def table(self) -> list[dict[str, Any]]:
        """The table: legal rows first, best first within a track; what is not known is None."""
        return [dict(zip(self._columns, row, strict=True)) for row in self._table().tolist()]

    @_uncollected()
    def _table(self) -> Objects:
        """Cells of the rows that are shown, in the table's order [rows, columns]."""
        shown = np.array(self._shown, bool)
        base = self._base_slot
        self._test_base(base)
        self._test_incumbents()
        order, rank = self._order(shown)
        cells = self._cells[: len(self._rows)][order]
        for name, values in self._compared(order, base).items():
            cells[:, self._columns.index(name)] = values
        for name, values in self._spread(order).items():
            cells[:, self._columns.index(name)] = values
        cells[:, self._columns.index("rank")] = rank
        for place in [place for place, r in enumerate(rank) if r is not None and r <= PLANNED_RANKS]:
            self._settle(cells[place], int(order[place]))
        return cells

    def changes(self) -> list[dict[str, Any]]:
        """Every change of a record by track and text, oldest first, with the p-value of the change; after `frame`."""
        count = len(self._rows)
        taken = frontier.changes(self._group[:count], self._column("epoch", "order"), self._column("mean")[:, 0])
        found = []
        for slot in taken:
            row, before = self._rows[slot], int(self._incumbent.other[slot])
            p, difference = (self._incumbent.values[name][slot] for name in ("p", "difference"))
            found.append({
                "name": row.name,
                "sweep": row.sweep or None,
                "track": row.track,
                "date": row.date,
                "val_bpb_mean": self._numbers[slot, 0].item(),
                "over": self._rows[before].known_as(row.sweep) if before >= 0 else None,
                "difference_mbpb": _known(1000 * difference),
                "difference_seeds": None if before < 0 else int(self._incumbent.values["seeds"][slot]),
                "difference_means_mbpb": _known(1000 * self._between_means(np.array([slot]))[0]),
                "p_value": _known(p),
            })  # fmt: skip
        return found

    def rows(self) -> list[Row]:
        """Every row, those that are not shown included."""
        return list(self._rows)

    # Rows

    def _put(self, key: Hashable, row: Row, shown: bool) -> None:
        slot = self._slots.setdefault(key, len(self._rows))
        if slot == len(self._rows):
            self._rows.append(row)
            self._shown.append(shown)
            self._make_room(len(self._rows))
        self._rows[slot], self._shown[slot] = row, shown
        self._version[slot] += 1
        group = -1 if row.track == "flagged" else self._groups.setdefault((row.track, row.data), len(self._groups))
        self._group[slot] = group
        moments = row.moments
        numbers = (np.nan, np.nan, 0) if moments is None else (moments.mean, moments.variance, moments.n)
        margin = np.nan if row.margin is None else row.margin
        seeds = tuple(row.facts["seeds"])
        whole = moments is not None and moments.n == len(seeds)
        codes = (
            TRACKS.index(row.track),
            self._texts.setdefault(row.data, len(self._texts)),
            self._seed_sets.setdefault(seeds, len(self._seed_sets)) if whole else -1,
        )
        self._numbers[slot] = (*numbers, margin, *row.stage, len(row.runs), *codes)
        own: dict[str, Any] = {"name": row.name, "track": row.track, "source": row.source, "date": row.date}
        self._cells[slot] = list((self._blank | row.facts | own).values())
        if shown and row.source == "golfsweep" and row.name == self._baseline:
            self._base_slot = slot

    def _make_room(self, rows: int) -> None:
        """Make room for so many rows, and some more."""
        if rows > len(self._version):
            size = max(16, rows + rows // 2)
            for name, empty in (("_numbers", np.nan), ("_group", -1), ("_version", 0), ("_cells", None)):
                old = getattr(self, name)
                new = np.full((size, *old.shape[1:]), empty, old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)

    # Tests

    def _test_base(self, base: int) -> None:
        count = len(self._rows)
        slots = self._base.renew(np.full(count, base), self._version[:count])
        margin = self._column("margin")[:, 0]
        self._base.values["p"][slots] = self._welch(slots, np.full(slots.size, base), margin[slots])
        if isinstance(self._baseline, Published):
            for slot in slots:
                self._base.values["p"][slot] = published_p(self._rows[slot], self._baseline)
        elif base >= 0 and self._scores is not None and self._group[base] >= 0:
            for slot in slots[(slots != base) & (self._group[slots] == self._group[base])]:
                self._base.values["paired"][slot] = paired_p(self._rows[slot], self._rows[base], self._scores)

    def _test_incumbents(self) -> None:
        count = len(self._rows)
        before = frontier.incumbents(self._group[:count], self._column("epoch", "order"), self._column("mean")[:, 0])
        slots = self._incumbent.renew(before, self._version[:count])
        others = before[slots]
        values = self._incumbent.values
        values["p"][slots] = self._welch(slots, others, np.zeros(slots.size))
        values["p_margin"][slots] = self._welch(slots, others, self._column("margin")[slots, 0])
        mean, n, seeds = self._column("mean", "n", "seeds").T
        same = (others >= 0) & (seeds[slots] == seeds[others]) & (seeds[slots] >= 0)  # no need to look for common ones
        values["difference"][slots[same]] = mean[slots[same]] - mean[others[same]]
        values["seeds"][slots[same]] = n[slots[same]]
        rest = (others >= 0) & ~same
        for slot, other in zip(slots[rest], others[rest], strict=True):
            values["difference"][slot], values["seeds"][slot] = seed_difference(self._rows[slot], self._rows[other])

    def _welch(self, slots: Ints, others: Ints, margin: Floats) -> Floats:
        """One-sided p of Welch's test of rows against their counterparts, NaN where it is refused."""
        p = np.full(slots.size, np.nan)
        c, i = self._numbers[slots], self._numbers[others]  # mean, variance, n come first
        same = (
            (others >= 0) & (others != slots) & (self._group[slots] >= 0) & (self._group[slots] == self._group[others])
        )
        ok = same & (c[:, 2] > 1) & (i[:, 2] > 1) & (c[:, 1] + i[:, 1] > 0) & np.isfinite(margin)
        c, i = c[ok].T, i[ok].T
        difference, error, df = welch_parts(c[0], c[1], c[2], i[0], i[1], i[2])
        p[ok] = p_values(-difference - margin[ok], error, df)[1]
        return p

    # The table

    def _order(self, shown: NDArray[np.bool_]) -> tuple[Ints, Objects]:
        """Slots in the table's order, and the rank of each."""
        slots = np.flatnonzero(shown)
        tracks = self._column("track")[slots, 0].astype(np.int64)
        means = self._column("mean")[slots, 0]
        names = self._cells[slots, self._columns.index("name")]
        order = np.lexsort((np.argsort(np.argsort(names, kind="stable"), kind="stable"), means, tracks))
        starts = np.searchsorted(tracks[order], np.arange(len(TRACKS)))
        ranks = np.arange(slots.size) - starts[tracks[order]] + 1
        return slots[order], _objects(means[order], ranks)

    def _compared(self, order: Ints, base: int) -> Mapping[str, Sequence[Any] | Objects]:
        """Columns that take two rows, in the table's order."""
        p, paired = (values[order] for values in self._base.values.values())
        p_incumbent, p_challenge, difference, seeds = (values[order] for values in self._incumbent.values.values())
        before = self._incumbent.other[order]
        tracks = self._column("track")[order, 0]
        adjusted = np.full(order.size, np.nan)
        for track in range(len(TRACKS)):
            tested = np.isfinite(p) & (tracks == track)
            adjusted[tested] = holm(p[tested])
        unit = self._column("margin")[order, 0] / STANDARDS["challenge"].margin_nats
        columns: dict[str, Sequence[Any] | Objects] = {
            "p_value": _objects(p),
            "p_adjusted": _objects(adjusted),
            "p_paired": _objects(paired),
            "p_incumbent": _objects(p_incumbent),
            "p_challenge": _objects(p_challenge),
            "incumbent": self._names(before, order),
            "difference_mbpb": _objects(1000 * difference),
            "difference_nats": _objects(difference / unit),
            "difference_means_mbpb": _objects(1000 * self._between_means(order)),
            "difference_seeds": _objects(seeds, np.nan_to_num(seeds).astype(np.int64)),
            "challenge": _objects(p_challenge, p_challenge < STANDARDS["challenge"].level),
            "practice": _objects(p_incumbent, p_incumbent < STANDARDS["practice"].level),
            "confirmations": self._confirmations(order),
            "unchecked": self._unchecked(order, p),
        }
        return columns | self._second_line(order, base)

    def _between_means(self, slots: Ints) -> Floats:
        """Differences in bits per byte to the incumbents between the means of all seeds, which the tests are about."""
        mean, before = self._column("mean")[:, 0], self._incumbent.other[slots]
        return np.where(before >= 0, mean[slots] - mean[before], np.nan)

    def _unchecked(self, order: Ints, p: Floats) -> Objects:
        """What nobody has looked at; a baseline that is only a number has noise that its test leaves out."""
        found: Objects = self._cells[order, self._columns.index("unchecked")]
        if isinstance(self._baseline, Published) and not self._baseline.has_spread:
            for place in np.flatnonzero(np.isfinite(p)):
                found[place] = [*found[place], "noise of the baseline, of which only a mean is published"]
        return found

    def _spread(self, order: Ints) -> Mapping[str, Objects]:
        """Mean, sample deviation and 95 % t interval of every row's seeds, as `statistics.summary`."""
        mean, variance, n = self._column("mean", "variance", "n")[order].T
        several = n > 1
        std = np.where(several, np.sqrt(variance), np.nan)
        half = (
            special.stdtrit(np.where(several, n - 1, 1), 0.5 + CONFIDENCE / 2) * std / np.sqrt(np.where(several, n, 1))
        )
        ends = np.stack([mean - half, mean + half], 1).tolist()
        ci95 = np.empty(order.size, object)
        ci95[:] = [pair if known else None for pair, known in zip(ends, several, strict=True)]
        return {"val_bpb_mean": _objects(mean), "val_bpb_std": _objects(std), "val_bpb_ci95": ci95}

    def _names(self, before: Ints, order: Ints) -> Objects:
        """What each row may call the one that it has to beat."""
        names: Objects = self._cells[before, self._columns.index("name")]
        sweeps = self._cells[:, self._columns.index("sweep")]
        for place in np.flatnonzero((before >= 0) & (sweeps[before] != sweeps[order])):
            names[place] = self._rows[before[place]].known_as(self._rows[order[place]].sweep)
        names[before < 0] = None
        return names

    def _confirmations(self, order: Ints) -> Objects:
        """How many evaluations have been confirmed on each row's text, its own included; None for public records."""
        runs, texts = self._column("runs", "text").astype(np.int64).T
        sums = np.bincount(texts, weights=runs, minlength=1)[texts][order]
        return _objects(np.where(runs[order] > 0, sums, np.nan), sums.astype(np.int64))

    def _second_line(self, order: Ints, base: int) -> dict[str, list[Any]]:
        """What a deviation pooled over the baseline's sweep adds to Welch's tests, where there is such a sweep."""
        names = ("p_pooled", "p_dunnett", "equal_variance_p", "noise_mbpb")
        columns: dict[str, list[Any]] = {name: [None] * order.size for name in names}
        if base < 0:
            return columns
        sweeps = self._cells[:, self._columns.index("sweep")]
        beside = sweeps[order] == sweeps[base]
        places = np.flatnonzero(beside & (self._group[order] == self._group[base]) & (self._group[order] >= 0))
        if places.size > LARGEST_FAMILY:
            return columns
        members = order[places].tolist()
        key = (base, *members, *self._version[members].tolist())
        if key not in self._families:
            self._families = {key: family([self._rows[slot] for slot in members], self._rows[base])}
        for place in places:
            for name, value in self._families[key].get(self._rows[order[place]], {}).items():
                columns[name][place] = value
        return columns

    def _settle(self, cells: Objects, slot: int) -> None:
        """Put in what it would take to settle a row's claim on the record by the profile's own rule."""
        rule = RULE_OF[self._profile]
        p = float(self._incumbent.values["p_margin" if rule == "challenge" else "p"][slot])
        if np.isnan(p):  # of one seed, or against a margin that is not known
            return
        other = int(self._incumbent.other[slot])
        key = (slot, self._version[slot], other, self._version[other])
        if key not in self._plans:
            self._plans[key] = plan(self._rows[slot], self._rows[other], p, STANDARDS[rule])
        found = self._plans[key]
        values = (found.more, found.dollars, found.incumbent_too, rule)
        for name, value in zip(_SETTLED, values, strict=True):
            cells[self._columns.index(name)] = value

    def _column(self, *names: str) -> Floats:
        found: Floats = self._numbers[: len(self._rows), [_NUMBERS.index(name) for name in names]]
        return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _objects(known: Floats, values: NDArray[Any] | None = None) -> Objects:
    """Values (the numbers themselves if left out) as Python's own, None where a number is NaN."""
    found: Objects = (known if values is None else values).astype(object)
    found[np.isnan(known)] = None
    return found
