"""The table of all commands: no line too wide, no number cut, nothing left out in silence."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sweeps.text.table import FittedColumn, FittedTable, shorten
from sweeps.text.terminal import Terminal

COLUMNS = (
    FittedColumn(heading="#"),
    FittedColumn(heading="entry", side="left", too_long="shorten"),
    FittedColumn(heading="score", order=1),
    FittedColumn(heading="note", side="left", too_long="fold", order=3),
    FittedColumn(heading="bytes", order=2),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def lines_of(table: FittedTable, width: int) -> list[str]:
    stream = io.StringIO()
    Terminal(file=stream, width=width).print(table)
    return stream.getvalue().splitlines()


@given(NAMES, st.integers(12, 200))
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(name: str, width: int) -> None:
    table = FittedTable(columns=COLUMNS, rows=[[["17"], [name], ["1.0798", "± 0.0005"], ["a note"], ["15,999,950"]]])
    lines = lines_of(table, width)
    text = "\n".join(lines)
    assert all(cell_len(line) <= width for line in lines)
    assert any(line.startswith("17  ") for line in lines)
    for heading, number in (("score", "1.0798"), ("bytes", "15,999,950")):
        assert (number in text) == (heading in lines[0])
        assert heading in text


@given(NAMES, st.integers(1, 40), st.booleans())
def test_a_shortened_name_keeps_both_ends(name: str, cells: int, only_ascii: bool) -> None:
    short = shorten(name, cells, only_ascii=only_ascii)
    assert cell_len(short) <= max(cells, 0)
    if cell_len(name) <= cells:
        assert short == name
    elif cells >= 9:
        beginning, end = (
            short.split("..." if only_ascii else "…", 1) if name.count("…") == 0 else (short[:1], short[-1:])
        )
        assert name.startswith(beginning) and name.endswith(end)


def test_folded_text_is_whole() -> None:
    columns = (FittedColumn(heading="setting", side="left", too_long="fold"), FittedColumn(heading="n"))
    lines = lines_of(FittedTable(columns=columns, rows=[[["abcdefghij" * 3], ["1"]]]), 15)
    assert "".join(line.split("  ")[0] for line in lines[2:]) == "abcdefghij" * 3


def test_line_ends_and_markup_in_a_name_make_no_line_of_their_own() -> None:
    table = FittedTable(columns=COLUMNS[:2], rows=[[["1"], ["a\nb[red]c[/red]\x1b[31m"]]], title="t\nu")
    name = r"a\nb[red]c[/red]\x1b[31m"
    assert lines_of(table, 80) == [r"t\nu", "#  entry", "─  " + "─" * len(name), f"1  {name}"]
