"""The one way to a terminal: escaped, as wide as there is room, and in ASCII where nothing else can be printed."""

import fcntl
import io
import json
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest
from rich.table import Table
from rich.text import Text

from sweeps.text.escaping import ENCODING_ERRORS
from sweeps.text.terminal import UNKNOWN_WIDTH, WHOLE_WIDTH, ColorChoice, Terminal, choose_color, measure_width

FOREIGN = "[red]x[/red] :smile: \x1b[2J\u202e\x9b1m"
SHOWN = r"[red]x[/red] :smile: \x1b[2J\u202e\x9b1m"


def printed(*things: object, encoding: str = "utf-8", width: int | None = 80) -> bytes:
    stream = io.TextIOWrapper(io.BytesIO(), encoding, errors=ENCODING_ERRORS)
    Terminal(file=stream, width=width).print(*things)
    stream.flush()
    return stream.buffer.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_every_way_out_is_escaped() -> None:
    table = Table("a")
    table.add_row(Text(FOREIGN))
    for thing in (FOREIGN, Text(FOREIGN)):
        assert SHOWN in printed(thing).decode()
    assert not {"\x1b", "\u202e", "\x9b"} & set(printed(table).decode())


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    stream = io.StringIO()
    Terminal(file=stream, width=20).print_line("a\nb\r" + "x" * 100)
    assert stream.getvalue() == r"a\nb\r" + "x" * 100 + "\n"


def test_a_stream_that_takes_only_ascii_gets_ascii() -> None:
    assert printed("1 ± 2 · é", encoding="ascii") == b"1 +/- 2 | \\xe9\n"
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors=ENCODING_ERRORS)
    print("–±\ud800", file=stream, flush=True)
    assert stream.buffer.getvalue() == b"-+/-\\ud800\n"  # type: ignore[attr-defined]


def test_json_for_people_is_json() -> None:
    for encoding in ("utf-8", "ascii"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding, errors=ENCODING_ERRORS)
        Terminal(file=stream, width=20).show_json({"name": FOREIGN + "é" + "x" * 50})
        stream.flush()
        text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
        assert json.loads(text) == {"name": FOREIGN + "é" + "x" * 50}


@contextmanager
def terminal(columns: int) -> Iterator[IO[str]]:
    """A stream to a terminal of so many columns."""
    main, side = pty.openpty()
    if columns:
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    with open(side, "w", encoding="utf-8") as stream:
        yield stream
    os.close(main)


@pytest.mark.parametrize("columns", ["", "0", "-5", "wide", "4e1", "²"])
def test_a_pipe_has_no_limit_and_a_terminal_its_own(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert measure_width(io.StringIO()) == WHOLE_WIDTH
    with terminal(57) as stream:
        assert measure_width(stream) == Terminal(file=stream).width == 57
    with terminal(0) as stream:
        assert measure_width(stream) == UNKNOWN_WIDTH
    monkeypatch.delenv("COLUMNS")
    assert measure_width(io.StringIO()) == WHOLE_WIDTH


def test_columns_decides_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert measure_width(io.StringIO()) == Terminal(file=io.StringIO()).width == 40
    with terminal(57) as stream:
        assert measure_width(stream) == 40


@pytest.mark.parametrize(
    ("choice", "environment", "colors", "system"),
    [
        ("auto", {}, True, None),  # a file has no colors
        ("auto", {"NO_COLOR": "1"}, False, None),
        ("always", {"NO_COLOR": "1"}, True, "256"),
        ("never", {}, False, None),
        ("never", {"FORCE_COLOR": "1"}, False, None),
    ],
)
def test_colors_are_those_that_were_chosen(
    choice: str, environment: dict[str, str], colors: bool, system: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        choose_color(ColorChoice(choice))
        terminal = Terminal(file=io.StringIO())
    finally:
        choose_color(ColorChoice.AUTO)
    assert terminal.no_color is not colors
    assert system is None or terminal.color_system == system
