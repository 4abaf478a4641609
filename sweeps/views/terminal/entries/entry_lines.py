"""Entries in lines with their intervals as bars: for any width, no number cut, nothing wider than it needs to be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from sweeps.text.escaping import escape, to_ascii
from sweeps.text.table import shorten
from sweeps.views.terminal.entries.bars import Axis, Interval, draw_axis, draw_interval

Row = Mapping[str, Any]
WIDEST = 120
"""Cells for which columns and bars are chosen; on a wider terminal long names alone take more."""
GAP = 2
LEAST_NAME, WANTED_NAME = 8, 16
"""Cells of a long name before columns are left out for it, and before a column beyond the first ones is added."""
LEAST_BAR, WIDEST_BAR = 18, 36
LEAST_FURTHER = 100
BAR, RANK = "bar", "#"


@dataclass(frozen=True, kw_only=True, slots=True)
class LineColumns:
    """The columns of a leaderboard beside names, and how each cell is made."""

    makers: Mapping[str, Callable[[Row], str]]
    """Heading → cell, from left to right; the rank first. A column in which all cells are unknown is left out."""
    first: tuple[str, ...]
    """Columns in the order in which a narrow table keeps them, the bar among them."""
    further: tuple[str, ...]
    """Those that only a wide table shows, where the bars stay wide."""
    always: tuple[str, ...]
    """Columns that are there even where nothing is known for them; the narrowest table shows them."""
    before_bar: tuple[str, ...]
    """The bar stands after the last of these that is shown."""
    value: Callable[[Row], float | None]
    interval: Callable[[Row], Interval | None]
    digits: Callable[[Axis], int]
    """After the point at the ends of the axis."""
    bar_title: str = "95% CI"
    reference: str | None = None
    """Name of the entry that the others are compared with; None where it is not one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineColumn:
    """A column of finished cells."""

    heading: str
    cells: tuple[str, ...]
    width: int


def lay_out_entries(rows: Sequence[Row], columns: LineColumns, width: int, *, only_ascii: bool = False) -> list[str]:
    """The heading and a line for each row.

    Args:
        rows: entries, best first.
        columns: what is shown of them.
        width: cells of a line.
        only_ascii: whether nothing but ASCII can be printed.
    """
    clean: Callable[[str], str] = (lambda text: to_ascii(escape(text))) if only_ascii else escape
    names = [clean(str(row["name"])) for row in rows]
    made = _make_columns(rows, columns, clean)
    longest = max([cell_len("entry"), *map(cell_len, names)])
    kept, bar = _choose_columns(made, columns, longest, min(width, WIDEST))
    fixed = sum(made[name].width + GAP for name in kept) + (bar + GAP if bar else 0)
    name_cells = max(min(longest, LEAST_NAME), min(longest, width - fixed))
    bars = _draw_bars(rows, columns, bar, clean) if bar else None
    last_before_bar = [name for name in columns.before_bar if name in kept][-1]
    lines = []
    for number in range(len(rows) + 1):
        name = "entry" if number == 0 else shorten(names[number - 1], name_cells, only_ascii=only_ascii)
        parts = []
        for column in kept:
            cell = made[column].heading if number == 0 else made[column].cells[number - 1]
            parts.append(cell.rjust(made[column].width))
            if column == RANK:
                parts.append(name + " " * (name_cells - cell_len(name)))
            if column == last_before_bar and bars is not None:
                parts.append(bars[number])
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _choose_columns(
    made: Mapping[str, LineColumn], columns: LineColumns, longest: int, width: int
) -> tuple[list[str], int]:
    """The columns that fit, in their order, and the cells of the bars; 0 for none."""
    room = width - made[RANK].width - GAP - min(longest, LEAST_NAME)
    kept, wanted = {RANK}, min(longest, WANTED_NAME) - min(longest, LEAST_NAME)
    bar = 0
    for name in (*columns.first, *(columns.further if width >= LEAST_FURTHER else ())):
        if name != BAR and name not in made:
            continue
        need = (LEAST_BAR if name == BAR else made[name].width) + GAP
        if room - need < (0 if name in columns.always else wanted):
            break
        room -= need
        if name == BAR:
            bar = LEAST_BAR
        else:
            kept.add(name)
    if bar:
        bar += min(WIDEST_BAR - LEAST_BAR, max(0, room - wanted - max(0, longest - WANTED_NAME)))
    return [name for name in made if name in kept], bar


def _make_columns(rows: Sequence[Row], columns: LineColumns, clean: Callable[[str], str]) -> dict[str, LineColumn]:
    """All columns but names and bars, from left to right."""
    made, unknown = {}, clean("–")
    for name, make in columns.makers.items():
        heading, cells = clean(name), tuple(clean(make(row)) for row in rows)
        if name in columns.always or any(cell != unknown for cell in cells):
            made[name] = LineColumn(heading=heading, cells=cells, width=max(map(cell_len, (heading, *cells))))
    return made


def _draw_bars(rows: Sequence[Row], columns: LineColumns, cells: int, clean: Callable[[str], str]) -> list[str]:
    """The axis, and a bar for each row."""
    values = [columns.value(row) for row in rows]
    ends = [columns.interval(row) for row in rows]
    known = [(value, end) for value, end in zip(values, ends, strict=True) if value is not None]
    if not known:
        return [" " * cells] * (len(rows) + 1)
    axis = Axis.of([value for value, _ in known], [end for _, end in known])
    bars = [
        " " * cells if value is None else draw_interval(value, end, axis, cells)
        for value, end in zip(values, ends, strict=True)
    ]
    return [clean(line) for line in (draw_axis(axis, cells, columns.bar_title, columns.digits(axis)), *bars)]
