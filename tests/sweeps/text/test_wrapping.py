"""Text in lines: nothing is lost or wider than asked for, and a shell joins a broken command again."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sweeps.text.wrapping import wrap, wrap_command, wrap_parts

WORDS = st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60), min_size=1)


@pytest.mark.parametrize(
    ("text", "width", "indent", "shown"),
    [
        ("one two three", 20, 0, ["one two three"]),
        ("one two three four", 12, 2, ["one two", "  three four"]),
        ("PASSED · the audit", 12, 2, ["PASSED · the", "  audit"]),
        ("PASSED12 · audits", 12, 2, ["PASSED12 ·", "  audits"]),
        ("  indented text", 14, 4, ["  indented", "    text"]),
        ("a-word-that-is-too-wide", 12, 0, ["a-word-that-", "is-too-wide"]),
        ("a-word-that-is-too-wide", 12, 2, ["a-word-that-", "  is-too-wid", "  e"]),
        ("", 10, 2, [""]),
    ],
)
def test_lines_are_broken_between_words(text: str, width: int, indent: int, shown: list[str]) -> None:
    assert wrap(text, width, indent) == shown


def test_a_label_takes_cells_of_the_first_line_alone() -> None:
    assert wrap("one two three four", 16, 2, taken=6) == ["one two", "  three four"]


def test_parts_stay_whole_where_they_can() -> None:
    assert wrap_parts(["demo", "done in 4m48s", "69 jobs"], 24) == ["demo · done in 4m48s", "69 jobs"]


@given(WORDS, st.integers(12, 100), st.integers(0, 9))
@settings(max_examples=50)
def test_no_line_is_too_wide_and_nothing_is_lost(words: list[str], width: int, indent: int) -> None:
    lines = wrap(" ".join(words), width, indent)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(words)


@given(WORDS, st.booleans(), st.integers(30, 100), st.integers(0, 9))
@settings(max_examples=50)
def test_a_shell_reads_a_broken_command_as_it_was(words: list[str], spaced: bool, width: int, indent: int) -> None:
    command = shlex.join(["golfsweep", *words, *(["with a space " * 9] if spaced else [])])
    lines = wrap_command(command, width, indent)
    assert all(cell_len(line) <= width for line in lines)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
