"""Entries in a table with their intervals as bars: for any width, no number cut, nothing wider than it needs to be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from sweeps.board.rules import LIMIT_BYTES
from sweeps.text.escaping import escape, to_ascii
from sweeps.text.table import shorten
from sweeps.views.entry_facts import EntryColumns
from sweeps.views.terminal.bars import Axis, draw_axis, draw_interval
from sweeps.views.wording import format_near, format_p

WIDEST = 120
"""Cells for which columns and bars are chosen; on a wider terminal long names alone take more."""
GAP = 2
LEAST_NAME, WANTED_NAME = 8, 16
"""Cells of a long name before columns are left out for it, and before a column beyond the first ones is added."""
LEAST_BAR, WIDEST_BAR = 18, 36
FIRST, FURTHER = ("val_bpb", "mBPB", "± std", "n", "bar"), ("p", "MB", "train s", "eval s", "seeds")
"""Columns in the order in which a narrow table keeps them; the latter only where the bars stay wide."""
LEAST_FURTHER = 100
ALWAYS = ("#", "val_bpb", "mBPB")
"""Columns that are there even where nothing is known for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The score that differences are from."""

    name: str | None
    """Of an entry in the table; None where the score is not one of its entries'."""
    score: float
    title: str
    """What stands in its own row: baseline, or best."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of numbers."""

    heading: str
    make: Callable[[EntryColumns], str]
    width: int
    """Cells that it needs at most, known before any row is laid out."""


def choose_reference(rows: Sequence[EntryColumns], baseline: str | None, score: float | None) -> Reference | None:
    """What the rows are compared with: the baseline's entry, another score, or the best row."""
    scored = [row for row in rows if row["val_bpb_mean"] is not None]
    base = next((row for row in scored if row["name"] == baseline and row["source"] == "golfsweep"), None)
    if base is not None:
        return Reference(name=base["name"], score=base["val_bpb_mean"], title="baseline")
    if score is not None:
        return Reference(name=None, score=score, title="record")
    return Reference(name=scored[0]["name"], score=scored[0]["val_bpb_mean"], title="best") if scored else None


def lay_out_scores(
    rows: Sequence[EntryColumns], reference: Reference | None, width: int, *, only_ascii: bool = False
) -> list[str]:
    """The heading and a line for each row.

    Args:
        rows: entries, best first.
        reference: what differences are from.
        width: cells of a line.
        only_ascii: whether nothing but ASCII can be printed.
    """
    clean: Callable[[str], str] = (lambda text: to_ascii(escape(text))) if only_ascii else escape
    names = [clean(str(row["name"])) for row in rows]
    columns = _make_columns(rows, reference, clean)
    longest = max([cell_len("entry"), *map(cell_len, names)])
    kept, bar = _choose_columns(columns, longest, min(width, WIDEST))
    fixed = sum(columns[name].width + GAP for name in kept) + (bar + GAP if bar else 0)
    name_cells = max(min(longest, LEAST_NAME), min(longest, width - fixed))
    bars = _draw_bars(rows, bar, clean) if bar else None
    last_score = "± std" if "± std" in kept else "val_bpb"
    cells = {name: [columns[name].heading, *map(columns[name].make, rows)] for name in kept}
    lines = []
    for number in range(len(rows) + 1):
        name = "entry" if number == 0 else shorten(names[number - 1], name_cells, only_ascii=only_ascii)
        parts = []
        for column in kept:
            parts.append(cells[column][number].rjust(columns[column].width))
            if column == "#":
                parts.append(name + " " * (name_cells - cell_len(name)))
            if column == last_score and bars is not None:
                parts.append(bars[number])
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _choose_columns(columns: Mapping[str, Column], longest: int, width: int) -> tuple[list[str], int]:
    """The columns that fit, in their order, and the cells of the bars; 0 for none."""
    room = width - columns["#"].width - GAP - min(longest, LEAST_NAME)
    kept, wanted = {"#"}, min(longest, WANTED_NAME) - min(longest, LEAST_NAME)
    bar = 0
    for name in (*FIRST, *(FURTHER if width >= LEAST_FURTHER else ())):
        if name != "bar" and name not in columns:
            continue
        need = (LEAST_BAR if name == "bar" else columns[name].width) + GAP
        if room - need < (0 if name in ("val_bpb", "mBPB") else wanted):
            break
        room -= need
        if name == "bar":
            bar = LEAST_BAR
        else:
            kept.add(name)
    if bar:
        bar += min(WIDEST_BAR - LEAST_BAR, max(0, room - wanted - max(0, longest - WANTED_NAME)))
    return [name for name in columns if name in kept], bar


def _make_columns(
    rows: Sequence[EntryColumns], reference: Reference | None, clean: Callable[[str], str]
) -> dict[str, Column]:
    """All columns but names and bars, from left to right."""
    makers: dict[str, Callable[[EntryColumns], str]] = {
        "#": lambda row: "–" if row["rank"] is None else str(row["rank"]),
        "val_bpb": lambda row: _format(row["val_bpb_mean"], ".4f"),
        "± std": lambda row: _format(row["val_bpb_std"], ".4f", "±"),
        "mBPB": lambda row: _format_difference(row, reference),
        "n": lambda row: str(len(row["seeds"])),
        "p": lambda row: format_p(row["p_value"] if row["p_paired_seeds"] is None else row["p_paired_seeds"]),
        "seeds": lambda row: format_seed_names(list(row["seeds"])),
        "MB": lambda row: (
            "–" if row["bytes_total"] is None else format_near(row["bytes_total"] / 1e6, LIMIT_BYTES / 1e6, 2)
        ),
        "train s": lambda row: _format(row["train_seconds"], ",.0f"),
        "eval s": lambda row: _format(row["eval_seconds"], ",.0f"),
    }
    columns = {}
    for name, make in makers.items():
        heading = clean(name)
        made = _cleaned(make, clean)
        width = max([cell_len(heading), *(cell_len(made(row)) for row in rows)])
        if name in ALWAYS or any(made(row) != clean("–") for row in rows):
            columns[name] = Column(heading=heading, make=made, width=width)
    return columns


def _cleaned(make: Callable[[EntryColumns], str], clean: Callable[[str], str]) -> Callable[[EntryColumns], str]:
    return lambda row: clean(make(row))


def _draw_bars(rows: Sequence[EntryColumns], cells: int, clean: Callable[[str], str]) -> list[str]:
    """The axis, and a bar for each row."""
    scored = [row for row in rows if row["val_bpb_mean"] is not None]
    if not scored:
        return [" " * cells] * (len(rows) + 1)
    ends = {id(row): tuple(row["val_bpb_ci95"]) if row["val_bpb_ci95"] else None for row in scored}
    axis = Axis.of([row["val_bpb_mean"] for row in scored], list(ends.values()))
    digits = 3 if axis.high - axis.low >= 0.01 else 4
    bars = [
        draw_interval(row["val_bpb_mean"], ends[id(row)], axis, cells) if id(row) in ends else " " * cells
        for row in rows
    ]
    return [clean(line) for line in (draw_axis(axis, cells, "95% CI", digits), *bars)]


def _format_difference(row: EntryColumns, reference: Reference | None) -> str:
    if reference is None or row["val_bpb_mean"] is None:
        return "–"
    if (row["name"] == reference.name and row["source"] == "golfsweep") or abs(
        row["val_bpb_mean"] - reference.score
    ) < 1e-9:
        return reference.title
    return f"{1000 * (row['val_bpb_mean'] - reference.score):+.2f}"


def _format(value: float | None, form: str, sign: str = "") -> str:
    return "–" if value is None else f"{sign}{value:{form}}"


def format_seed_names(seeds: Sequence[str]) -> str:
    """Seeds as a range where they follow each other, e.g. 2024-2026; of many others, the first and the last."""
    numbers = [int(seed) for seed in seeds if seed.isdecimal()]
    if len(numbers) == len(seeds) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(seeds) if len(", ".join(seeds)) <= 14 else f"{seeds[0]}…{seeds[-1]}"
