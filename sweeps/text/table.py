"""The one table of all commands: columns that fit, names shortened in the middle, and no number cut.

Widths are in cells of a terminal: a Chinese character has two, a combining mark none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

from sweeps.text.escaping import escape, to_ascii

GAP = "  "
LEAST_NAME_CELLS = 10
"""Cells that a name keeps, if it is as long, before columns are left out for it."""
LEAST_CELLS = 4
"""Cells of a name or text on the narrowest terminal."""

Lines = Sequence[str]
"""The lines of one cell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedColumn:
    """One column of a table."""

    heading: str
    """A line end breaks it."""
    side: Literal["left", "right"] = "right"
    too_long: Literal["leave out", "shorten", "fold"] = "leave out"
    """What becomes of it on a narrow terminal: numbers are left out whole, names shortened, other texts folded."""
    order: int = 0
    """Columns of a higher order are left out first; those of order 0 never."""


SHOWN_BY_JSON = "a wider terminal or --json shows them"
"""How to see the columns that were left out of a table whose command has --json."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedTable:
    """A table that is laid out when it is printed, for the width that there is."""

    columns: Sequence[FittedColumn]
    rows: Sequence[Sequence[Lines]]
    """The cells of each row, one for each column."""
    title: str = ""
    elsewhere: str = "a wider terminal shows them"
    """How to see the columns that were left out."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Lay out and print."""
        cells = self._clean(options.ascii_only)
        kept, widths = _fit(self.columns, cells, options.max_width)
        if self.title:
            yield Text(escape(self.title), style="bold")
        for number, row in enumerate(cells):
            fitted = [_fit_cell(row[index], self.columns[index], widths[index], options.ascii_only) for index in kept]
            for line in range(max(map(len, fitted), default=0)):
                parts = [
                    _align(lines[line] if line < len(lines) else "", widths[index], self.columns[index].side)
                    for index, lines in zip(kept, fitted, strict=True)
                ]
                yield Text(GAP.join(parts).rstrip(), style="bold" if number == 0 else "", no_wrap=True)
            if number == 0:
                rule = "-" if options.ascii_only else "─"
                yield Text(GAP.join(rule * widths[index] for index in kept), no_wrap=True)
        left_out = [column.heading.replace("\n", " ") for at, column in enumerate(self.columns) if at not in kept]
        if left_out:
            yield Text(
                f"Left out: {'; '.join(left_out)}. {self.elsewhere[:1].upper()}{self.elsewhere[1:]}.", style="dim"
            )

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Any width will do."""
        return Measurement(1, options.max_width)

    def _clean(self, only_ascii: bool) -> list[list[list[str]]]:
        """Headings and cells as they are printed, so that what is measured is what is shown."""
        clean = (lambda text: to_ascii(escape(text))) if only_ascii else escape
        headings = [column.heading.split("\n") for column in self.columns]
        return [[[clean(line) for line in lines] or [""] for lines in row] for row in (headings, *self.rows)]


def shorten(text: str, cells: int, *, only_ascii: bool = False) -> str:
    """A text of at most so many cells: both ends stay, since either may tell two names apart."""
    if cell_len(text) <= cells:
        return text
    mark = "..." if only_ascii else "…"
    room = cells - cell_len(mark)
    if room < 2:
        return _take(text, cells)
    end = _take(text[::-1], room // 2 + room % 2)[::-1]
    return _take(text, room - cell_len(end)) + mark + end


def _take(text: str, cells: int) -> str:
    """The beginning of a text."""
    return chop_cells(text, cells)[0] if text and cells > 0 and cell_len(text) > cells else text if cells > 0 else ""


def _fit(
    columns: Sequence[FittedColumn], cells: Sequence[Sequence[Lines]], width: int
) -> tuple[list[int], dict[int, int]]:
    """Which columns are shown, and the cells of each."""
    widths = {index: max(cell_len(line) for row in cells for line in row[index]) for index in range(len(columns))}
    kept = list(widths)

    def need(index: int) -> int:
        stiff = columns[index].too_long == "leave out"
        return widths[index] if stiff else min(widths[index], LEAST_NAME_CELLS)

    while sum(map(need, kept)) + len(GAP) * (len(kept) - 1) > width:
        optional = [index for index in kept if columns[index].order]
        if not optional:
            break
        kept.remove(max(optional, key=lambda index: (columns[index].order, index)))
    soft = [index for index in kept if columns[index].too_long != "leave out"]
    room = width - len(GAP) * (len(kept) - 1) - sum(widths[index] for index in kept if index not in soft)
    for place, index in enumerate(sorted(soft, key=widths.__getitem__)):  # short texts leave the rest to long ones
        widths[index] = min(widths[index], max(LEAST_CELLS, room // (len(soft) - place)))
        room -= widths[index]
    return kept, widths


def _fit_cell(lines: Lines, column: FittedColumn, cells: int, only_ascii: bool) -> list[str]:
    if column.too_long == "fold":
        return [part for line in lines for part in (chop_cells(line, cells) if cell_len(line) > cells else [line])]
    return [shorten(line, cells, only_ascii=only_ascii) for line in lines]


def _align(text: str, cells: int, side: Literal["left", "right"]) -> str:
    blank = " " * max(0, cells - cell_len(text))
    return text + blank if side == "left" else blank + text
