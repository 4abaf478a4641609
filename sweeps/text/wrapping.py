"""Text in lines of some width, measured in cells of a terminal: broken between words, a command so that it still works.

All texts must be as they are printed: escaped, and in ASCII where only that can be shown.
"""

import re
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells

LEAST_CELLS = 10
"""Of a line: on a narrower terminal, indents go first."""
ENDING = " \\"
"""Of a line of a command that goes on in the next."""
WORD = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+")
"""A word of a command, which has blanks in quotes only."""
MARKS = ("·", "|")
"""Between parts of a line, as they are and in ASCII."""


def wrap(text: str, width: int, indent: int = 0, taken: int = 0) -> list[str]:
    """Break a text between words; a word that is wider than a line is broken where it must be.

    Args:
        text: what to break; a mark between parts stays at the end of its line.
        width: cells of a line.
        indent: cells before each line but the first.
        taken: cells of the first line that something else takes.
    """
    lines, line, room = list[str](), "", max(LEAST_CELLS, width - taken)
    first, *rest = _split(text.lstrip(" "))
    blanks = " " * (len(text) - len(text.lstrip(" ")))
    for word in (blanks + first, *rest):
        if line and cell_len(line) + 1 + cell_len(word) <= room:
            line += f" {word}"
            continue
        if line:
            lines.append(line)
            room = max(LEAST_CELLS, width - indent)
        while cell_len(word) > room:
            piece = chop_cells(word, room)[0]
            lines.append(piece)
            word, room = word[len(piece) :], max(LEAST_CELLS, width - indent)
        line = word
    return _indent([*lines, line], width, indent)


def wrap_parts(parts: Sequence[str], width: int, mark: str = " · ") -> list[str]:
    """Join parts by a mark; a line is broken between parts where each fits, and between words where one does not."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + cell_len(mark) + cell_len(part) <= width:
            lines[-1] += f"{mark}{part}"
        else:
            lines += wrap(part, width)
    return lines


def _split(text: str) -> list[str]:
    """Words, each with the mark that follows it."""
    words: list[str] = []
    for word in text.split(" "):
        if words and word in MARKS:
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def wrap_command(command: str, width: int, indent: int = 0) -> list[str]:
    """Break a command with a backslash at the end of each line but the last, so that all lines can be pasted as one.

    A word that is wider than a line is broken as well; then no line is indented.
    """
    for cells in (indent, min(indent, 2), 0):
        if cell_len(command) + cells <= width:
            return [" " * cells + command]
    room = max(LEAST_CELLS, width - len(ENDING))
    words = WORD.findall(command)
    indent = 0 if any(cell_len(word) > room - indent for word in words) else min(indent, 2)
    lines = [""]
    for word in words:
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > room - indent:
            lines[-1] += ENDING
            lines.append("")
        pieces = _break_word(word, room - 1)
        lines[-1] += f" {pieces[0]}" if lines[-1] else pieces[0]
        lines += pieces[1:]
    return [" " * indent + line for line in lines]


def _break_word(word: str, cells: int) -> list[str]:
    """A word of a command in pieces that a shell joins again: each but the last ends with a backslash."""
    if cell_len(word) <= cells:
        return [word]
    mark = "'" if len(word) > 1 and word[0] == word[-1] == "'" else ""
    *pieces, last = chop_cells(word[1:-1] if mark else word, max(1, cells - 2 * len(mark) - 1))
    return [*(f"{mark}{piece}{mark}\\" for piece in pieces), f"{mark}{last}{mark}"]


def _indent(lines: Sequence[str], width: int, indent: int) -> list[str]:
    """Indent all lines but the first, as far as there is room."""
    room = max(0, min(indent, width - LEAST_CELLS))
    return [*lines[:1], *(" " * room + line for line in lines[1:])]
