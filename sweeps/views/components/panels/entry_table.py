"""EntryTable: entries with their intervals on one scale, sortable where scripts run, with a drawer of evidence each."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.views.components.charts.interval_dot import (
    IntervalAxis,
    IntervalDot,
    MeasuredValue,
    RuleLine,
    choose_interval_scale,
    prepare_interval,
    prepare_interval_axis,
)
from sweeps.views.components.panels.copy_command import CopyCommand
from sweeps.views.entry_facts import deciding_p, describe_evidence
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.wording import format_p

AddressOf = Callable[[Mapping[str, Any]], str | None]
EMPTY = "–"
LONG_WORD = 20
"""Characters of a word that fit into a narrow column."""
MOST_DRAWERS = 50
"""Entries at the top of a table that have a drawer; commands show the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryColumn:
    """A column of values; `name` is its class, too."""

    name: str
    heading: str
    meaning: str = ""
    """Shown while the pointer is on the heading."""
    unit: str = ""
    """Written after a number where there is no room for the heading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A value as it is shown, and the number by which the table is sorted."""

    column: EntryColumn
    text: str
    sort: float | None = None
    small: str = ""
    """Written smaller after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryLine:
    """An entry with what its drawer holds."""

    rank: int | None
    name: str
    flags: str
    """Why it is flagged, in a few words; empty where it is not."""
    is_baseline: bool
    cells: tuple[Cell, ...]
    seeds: tuple[tuple[str, str], ...]
    facts: Mapping[str, str]
    findings: tuple[tuple[str, str], ...]
    command: CopyCommand | None
    interval: IntervalDot | None = None
    has_drawer: bool = True
    address: str | None = None
    """Of the entry's own page, where there is one."""

    @property
    def is_long(self) -> bool:
        """Whether its name may be broken anywhere, since one of its words is too long for a narrow column."""
        return max(map(len, self.name.split()), default=0) > LONG_WORD


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryTable:
    """The entries of one track."""

    template: ClassVar[str] = "panels/entry_table.html.j2"
    name: str
    """Its id within the page."""
    title: str
    columns: tuple[EntryColumn, ...]
    axis: IntervalAxis | None
    legend: tuple[RuleLine, ...]
    lines: tuple[EntryLine, ...]
    left_out: int = 0
    """Entries below these that are not shown."""
    drawers_open: bool = False
    runs_title: str = "seeds"
    """What an entry's runs are called."""


SCORE = EntryColumn(name="score", heading="val_bpb ± std", meaning="bits per byte: mean and deviation over seeds")
GAIN = EntryColumn(
    name="gain",
    heading="mBPB",
    meaning="thousandths of a bit per byte above the baseline; lower is better",
    unit="mBPB",
)
P_VALUE = EntryColumn(name="p", heading="p", meaning="against the current record, by the written rule with its margin")
SEEDS = EntryColumn(name="n", heading="n", meaning="seeds")
BYTES = EntryColumn(name="bytes", heading="MB", meaning="artifact and code of the largest seed")
TRAIN = EntryColumn(name="train", heading="train s", meaning="training of the slowest seed")
EVAL = EntryColumn(name="eval", heading="eval s", meaning="evaluation of the slowest seed")
COLUMNS = (SCORE, GAIN, P_VALUE, SEEDS, BYTES, TRAIN, EVAL)


def prepare_entry_table(
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str,
    title: str,
    baseline: str | None,
    baseline_mean: float | None,
    lines: Sequence[RuleLine] = (),
    most: int | None = None,
    words: CommandWords | None = None,
    address_of: AddressOf | None = None,
    drawers_open: bool = False,
) -> EntryTable | None:
    """From the leaderboard's entries of one track, best first; None without entries.

    Args:
        rows: entries of `leaderboard --json`.
        name: id of the table within the page.
        title: its caption.
        baseline: name of the entry with which gains compare; None where there is none.
        baseline_mean: its bits per byte; without it gains compare with each entry's current record.
        lines: vertical lines through all intervals.
        most: how many entries are shown; None for all.
        words: how commands name the entries of the sweep.
        address_of: the address of an entry's own page; None where there are no such pages.
        drawers_open: whether the evidence is shown from the beginning.
    """
    entries = [
        EntryLine(
            rank=None if row["track"] == "flagged" else row["rank"],
            name=row["name"],
            flags=describe_flags(row["findings"]) if row["track"] == "flagged" else "",
            is_baseline=row["name"] == baseline and row["source"] == "golfsweep",
            cells=_make_cells(row, baseline, baseline_mean),
            seeds=tuple((seed, _show(bpb, ".4f")) for seed, bpb in row["seeds"].items()),
            facts=describe_evidence(row),
            findings=tuple((finding["code"], finding["detail"]) for finding in row["findings"]),
            command=make_show_command(row, words),
            address=None if address_of is None else address_of(row),
        )
        for row in rows
    ]
    values = [value_of(row) for row in rows]
    return assemble_table(
        entries, values, name=name, title=title, columns=COLUMNS, lines=lines, most=most, drawers_open=drawers_open
    )


def assemble_table(
    entries: Sequence[EntryLine],
    values: Sequence[MeasuredValue],
    *,
    name: str,
    title: str,
    columns: tuple[EntryColumn, ...],
    lines: Sequence[RuleLine] = (),
    measure: Measure = BITS_PER_BYTE,
    most: int | None = None,
    with_drawers: bool = True,
    drawers_open: bool = False,
) -> EntryTable | None:
    """A table of entries with their intervals on one scale; None without entries.

    Args:
        entries: best first.
        values: of each entry, for its interval.
        name: id of the table within the page.
        title: its caption.
        columns: of the entries' cells.
        lines: vertical lines through all intervals.
        measure: how values are written.
        most: how many entries are shown; None for all.
        with_drawers: whether the first of them have a drawer of evidence.
        drawers_open: whether the evidence is shown from the beginning.
    """
    if not entries:
        return None
    scale = choose_interval_scale(values, lines, higher_is_better=measure.higher_is_better)
    shown = [line for line in lines if scale is not None and scale.low <= line.value <= scale.high]
    return EntryTable(
        name=name,
        title=title,
        columns=columns,
        axis=None if scale is None else prepare_interval_axis(scale, lines),
        legend=tuple(shown),
        lines=tuple(
            replace(
                entry,
                interval=None if scale is None else prepare_interval(value, scale, lines, measure),
                has_drawer=with_drawers and number < MOST_DRAWERS,
            )
            for number, (entry, value) in enumerate(zip(entries[:most], values[:most], strict=True))
        ),
        left_out=0 if most is None else max(0, len(entries) - most),
        runs_title=f"{measure.replicate}s",
        drawers_open=drawers_open,
    )


def value_of(row: Mapping[str, Any]) -> MeasuredValue:
    """The bits per byte of an entry of the leaderboard."""
    seeds = tuple(bpb for bpb in row["seeds"].values() if bpb is not None and math.isfinite(bpb))
    return MeasuredValue(value=row["val_bpb_mean"], ci95=row["val_bpb_ci95"], runs=seeds, track=row["track"])


def make_show_command(row: Mapping[str, Any], words: CommandWords | None) -> CopyCommand | None:
    """The command that shows all of an own entry."""
    if row["source"] != "golfsweep" or not row["sweep"]:
        return None
    own = words if words is not None and words.sweep == row["sweep"] else CommandWords(sweep=row["sweep"])
    return CopyCommand(command=own.show(row["name"]))


def _make_cells(row: Mapping[str, Any], baseline: str | None, baseline_mean: float | None) -> tuple[Cell, ...]:
    std = "" if row["val_bpb_std"] is None else f"± {row['val_bpb_std']:.4f}"
    p = deciding_p(row, MARGIN_RULES["written_rule"])
    size = None if row["bytes_total"] is None else row["bytes_total"] / 1e6
    return (
        Cell(column=SCORE, text=_show(row["val_bpb_mean"], ".4f"), sort=row["val_bpb_mean"], small=std),
        _make_gain(row, baseline, baseline_mean),
        Cell(column=P_VALUE, text=format_p(p), sort=p),
        Cell(column=SEEDS, text=str(len(row["seeds"])), sort=len(row["seeds"])),
        Cell(column=BYTES, text=_show(size, ".2f"), sort=size),
        Cell(column=TRAIN, text=_show(row["train_seconds"], ",.0f"), sort=row["train_seconds"]),
        Cell(column=EVAL, text=_show(row["eval_seconds"], ",.0f"), sort=row["eval_seconds"]),
    )


def _make_gain(row: Mapping[str, Any], baseline: str | None, baseline_mean: float | None) -> Cell:
    if row["name"] == baseline and row["source"] == "golfsweep":
        return Cell(column=GAIN, text="baseline", sort=0.0)
    mean = row["val_bpb_mean"]
    if row["track"] == "flagged" or mean is None:
        return Cell(column=GAIN, text=EMPTY)
    gain = row["difference_mbpb"] if baseline_mean is None else 1000 * (mean - baseline_mean)
    return Cell(column=GAIN, text=_show(gain, "+.2f"), sort=gain)


def _show(value: float | None, form: str) -> str:
    return EMPTY if value is None else format(value, form)
