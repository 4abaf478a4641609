"""Text in lines of some width, measured in cells of a terminal: broken between words, a command so that it still works.

All texts must be as they are printed: escaped, and in ASCII where only that can be shown.
"""

from collections.abc import Sequence

from rich.cells import cell_len, chop_cells

LEAST_CELLS = 10
"""Of a line: on a narrower terminal, indents go first."""
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
    lines, line, room = [], "", max(LEAST_CELLS, width - taken)
    first, *rest = _split(text.lstrip(" "))
    blanks = " " * (len(text) - len(text.lstrip(" ")))
    for word in (blanks + first, *rest):
        if line and cell_len(line) + 1 + cell_len(word) <= room:
            line += f" {word}"
            continue
        if line:
            lines.append(line)
            room = max(LEAST_CELLS, width - indent)
        *full, line = chop_cells(word, room) if cell_len(word) > room else [word]
        lines += full
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
    """Break a command with a backslash at the end of each line but the last, so that all lines can be pasted as one."""
    if cell_len(command) + indent <= width:
        return [" " * indent + command]
    indent = min(indent, 2)
    room = max(LEAST_CELLS, width - indent - len(" \\"))
    if cell_len(command) + indent <= width:
        return [" " * indent + command]
    lines = [""]
    for word in command.split(" "):
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > room:
            lines[-1] += " \\"
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return [" " * indent + line for line in lines]


def _indent(lines: Sequence[str], width: int, indent: int) -> list[str]:
    """Indent all lines but the first, as far as there is room."""
    room = max(0, min(indent, width - LEAST_CELLS))
    return [*lines[:1], *(" " * room + line for line in lines[1:])]
