"""Columns that need the whole table: ranks, intervals, tests against other entries. Each is computed at once.

See `sweeps.board.columns` for how to add one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sweeps.board.columns.trained import estimate_from_trainings
from sweeps.board.columns.verdict import Verdicts
from sweeps.board.entries import BoardEntry
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.pairs.settlement import Settlement
from sweeps.board.rules import Published
from sweeps.statistics import holm
from sweeps.statistics.estimate import CONFIDENCE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]
Value = TypeVar("Value")
NAMED_RIVALS, LISTED_RIVALS = 3, 10
"""Records of unknown order that a sentence names, and that the column lists; hundreds of records have no date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The entries that are shown, in the table's order, and numbers about them; arrays are [entries], NaN: unknown."""

    entries: Sequence[BoardEntry]
    incumbents: Sequence[BoardEntry | None]
    """The best entry before each one."""
    rivals: Sequence[Sequence[str]]
    """Names of better public records that may have come before each one, best first."""
    rank: Ints
    """Within its track, from 1."""
    track: Ints
    """Number of its track."""
    mean: Floats
    variance: Floats
    n: Floats
    bpb_per_nat: Floats
    p_baseline: Floats
    p_paired: Floats
    p_paired_seeds: Floats
    p_rules: Mapping[str, Floats]
    """Welch's p-value against the incumbent under each margin rule."""
    p_rules_paired: Mapping[str, Floats]
    """The same paired by training, which decides where it is known."""
    verdicts: Verdicts
    ledger: Mapping[int, Mapping[str, Any]]
    """Place → columns of the ledger of tries, for the top of each track."""
    incumbent_mean: Floats
    difference: Floats
    """To the incumbent, over common seeds, in bits per byte."""
    common_seeds: Floats
    confirmations: Objects
    """Evaluations of any entry on its validation set; None for public records."""
    family: Mapping[int, Mapping[str, float | None]]
    """Place → pooled columns, for the entries of the baseline's sweep."""
    settlements: Mapping[int, Settlement]
    """Place → what its claim still needs, for the top of each track."""
    record_settlements: Mapping[int, Settlement]
    """The same under the written rule."""
    settled_by: str
    baseline: str | Published | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumn:
    """A column that is computed for all entries at once."""

    name: str
    compute: Callable[[Table], Sequence[Any] | Objects]
    varies: bool = False
    """Whether it differs between two runs of one sweep."""


def keep_known(numbers: Floats, values: NDArray[Any] | None = None) -> Objects:
    """Values (by default the numbers) as Python objects, None where a number is NaN."""
    objects: Objects = (numbers if values is None else values).astype(object)
    objects[np.isnan(numbers)] = None
    return objects


def _rank(table: Table) -> Objects:
    return keep_known(table.mean, table.rank)


def _std(table: Table) -> Objects:
    return keep_known(np.where(table.n > 1, np.sqrt(table.variance), np.nan))


def _ci95(table: Table) -> Objects:
    """95 % t intervals of the means, as `statistics.summary`."""
    several = table.n > 1
    n = np.where(several, table.n, 2)
    half = special.stdtrit(n - 1, 0.5 + CONFIDENCE / 2) * np.sqrt(table.variance) / np.sqrt(n)
    ends = np.stack([table.mean - half, table.mean + half], 1).tolist()
    column = np.empty(len(ends), object)
    column[:] = [pair if known else None for pair, known in zip(ends, several, strict=True)]
    return column


def _adjust(table: Table) -> Objects:
    """Holm's correction of p_value, separately in each track."""
    adjusted = np.full(len(table.entries), np.nan)
    for track in np.unique(table.track):
        tested = np.isfinite(table.p_baseline) & (table.track == track)
        adjusted[tested] = holm(table.p_baseline[tested])
    return keep_known(adjusted)


def _name_incumbents(table: Table) -> list[str | None]:
    pairs = zip(table.entries, table.incumbents, strict=True)
    return [None if incumbent is None else incumbent.name_within(entry.sweep) for entry, incumbent in pairs]


def _list_rivals(table: Table) -> list[list[str] | None]:
    return [list(rivals[:LISTED_RIVALS]) or None for rivals in table.rivals]


def _mean_difference(table: Table) -> Objects:
    """Differences between the means of all seeds, which the margin rules test."""
    return keep_known(1000 * (table.mean - table.incumbent_mean))


def _rule_columns(name: str) -> tuple[TableColumn, TableColumn, TableColumn]:
    """A margin rule's p-values and whether it is passed."""
    rule = MARGIN_RULES[name]
    return (
        TableColumn(name=rule.p_column, compute=lambda table: keep_known(table.p_rules[name])),
        TableColumn(name=rule.paired_column, compute=lambda table: keep_known(table.p_rules_paired[name])),
        TableColumn(name=name, compute=lambda table: _pass(table, name)),
    )


def _pass(table: Table, name: str) -> Objects:
    paired = table.p_rules_paired[name]
    p = np.where(np.isnan(paired), table.p_rules[name], paired)
    return keep_known(p, p < MARGIN_RULES[name].level)


def _list_unchecked(table: Table) -> list[list[str]]:
    """What nobody has verified; the test against a published mean leaves out the noise of that mean."""
    unchecked = [list(entry.unchecked) for entry in table.entries]
    for missing, rivals in zip(unchecked, table.rivals, strict=True):
        if rivals:
            others = f" and {len(rivals) - NAMED_RIVALS} more" if len(rivals) > NAMED_RIVALS else ""
            names = ", ".join(rivals[:NAMED_RIVALS])
            missing.append(f"order not known: {names}{others} may have come before it")
    if isinstance(table.baseline, Published) and not table.baseline.has_spread:
        for place in np.flatnonzero(np.isfinite(table.p_baseline)):
            unchecked[place].append("noise of the baseline, of which only a mean is published")
    return unchecked


def _pooled(name: str) -> TableColumn:
    return TableColumn(name=name, compute=lambda table: _fill(table, table.family, lambda columns: columns.get(name)))


def _from_ledger(name: str) -> TableColumn:
    return TableColumn(name=name, compute=lambda table: _fill(table, table.ledger, lambda columns: columns[name]))


def _settle(table: Table, field: str) -> Objects:
    return _fill(table, table.settlements, lambda settlement: getattr(settlement, field))


def _settle_record(table: Table, field: str) -> Objects:
    return _fill(table, table.record_settlements, lambda settlement: getattr(settlement, field))


def _fill(table: Table, known: Mapping[int, Value], read: Callable[[Value], Any]) -> Objects:
    """A column with values at a few places, None elsewhere."""
    column = np.full(len(table.entries), None, object)
    for place, value in known.items():
        column[place] = read(value)
    return column


TABLE_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn(name="rank", compute=_rank),
    TableColumn(name="val_bpb_mean", compute=lambda table: keep_known(table.mean)),
    TableColumn(name="val_bpb_std", compute=_std),
    TableColumn(name="val_bpb_ci95", compute=_ci95),
    TableColumn(name="p_value", compute=lambda table: keep_known(table.p_baseline)),
    TableColumn(name="p_adjusted", compute=_adjust),
    TableColumn(name="p_paired", compute=lambda table: keep_known(table.p_paired)),
    TableColumn(name="p_paired_seeds", compute=lambda table: keep_known(table.p_paired_seeds)),
    TableColumn(name="verdict", compute=lambda table: table.verdicts.verdict),
    TableColumn(name="verdict_test", compute=lambda table: table.verdicts.test),
    TableColumn(name="verdict_p", compute=lambda table: keep_known(table.verdicts.p)),
    TableColumn(name="verdict_against", compute=lambda table: table.verdicts.against),
    *(column for name in MARGIN_RULES for column in _rule_columns(name)),
    TableColumn(name="incumbent", compute=_name_incumbents),
    TableColumn(name="order_unknown", compute=_list_rivals),
    TableColumn(name="difference_mbpb", compute=lambda table: keep_known(1000 * table.difference)),
    TableColumn(name="difference_nats", compute=lambda table: keep_known(table.difference / table.bpb_per_nat)),
    TableColumn(
        name="difference_seeds",
        compute=lambda table: keep_known(table.common_seeds, np.nan_to_num(table.common_seeds).astype(np.int64)),
    ),
    TableColumn(name="difference_means_mbpb", compute=_mean_difference),
    _pooled("p_pooled"),
    _pooled("p_dunnett"),
    _pooled("equal_variance_p"),
    _pooled("selection_bias_mbpb"),
    TableColumn(name="noise_mbpb", compute=_pooled("selection_bias_mbpb").compute),
    _from_ledger("tries"),
    _from_ledger("tried_by"),
    _from_ledger("p_tries"),
    _from_ledger("shrunken_gain_mbpb"),
    TableColumn(name="mean_over_trainings", compute=lambda table: estimate_from_trainings(table.entries)),
    TableColumn(name="confirmations", compute=lambda table: table.confirmations),
    TableColumn(name="unchecked", compute=_list_unchecked),
    TableColumn(name="seeds_to_settle", compute=lambda table: _settle(table, "seeds")),
    TableColumn(name="seeds_to_settle_most", compute=lambda table: _settle(table, "seeds_most")),
    TableColumn(name="dollars_to_settle", compute=lambda table: _settle(table, "dollars"), varies=True),
    TableColumn(name="dollars_to_settle_most", compute=lambda table: _settle(table, "dollars_most"), varies=True),
    TableColumn(name="incumbent_too", compute=lambda table: _settle(table, "incumbent_too")),
    TableColumn(name="settled_by", compute=lambda table: _fill(table, table.settlements, lambda _: table.settled_by)),
    TableColumn(name="seeds_to_record", compute=lambda table: _settle_record(table, "seeds")),
    TableColumn(name="seeds_to_record_most", compute=lambda table: _settle_record(table, "seeds_most")),
    TableColumn(name="dollars_to_record", compute=lambda table: _settle_record(table, "dollars"), varies=True),
    TableColumn(
        name="dollars_to_record_most", compute=lambda table: _settle_record(table, "dollars_most"), varies=True
    ),
)
