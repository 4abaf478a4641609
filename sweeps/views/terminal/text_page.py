"""A page of labelled lines for a terminal: none is wider than it, and a command that is broken still works."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from sweeps.text.escaping import escape, to_ascii
from sweeps.text.terminal import WHOLE_WIDTH
from sweeps.text.wrapping import wrap, wrap_command, wrap_parts
from sweeps.views.verdicts.chip import Chip, Rating

LABEL, LEAST_INDENTED = 9, 44
"""Cells before the text of a labelled line, and of the narrowest line whose further lines are indented as far."""
WIDEST = 120
"""Cells of a line of text on a wider terminal."""
MARK = " · "
"""Between parts of a line."""
STYLES = {Rating.GOOD: "bold green", Rating.WARN: "bold yellow", Rating.BAD: "bold red", Rating.UNKNOWN: "bold"}


def text_width(width: int) -> int:
    """Cells of a line of text: not too many to read on a wide terminal, and no limit on a file or pipe."""
    return width if width >= WHOLE_WIDTH else min(width, WIDEST)


class TextPage:
    """Lines of one width, as they grow; all text is escaped, and in ASCII where only that can be printed."""

    def __init__(self, *, width: int, only_ascii: bool) -> None:
        self.width, self.only_ascii = width, only_ascii
        self.lines: list[Text] = []

    def clean(self, text: object) -> str:
        """A text as it is printed."""
        return to_ascii(escape(str(text))) if self.only_ascii else escape(str(text))

    def blank(self) -> None:
        """An empty line."""
        self.lines.append(Text(""))

    def text(self, text: str, indent: int = 0, style: str = "") -> None:
        """One text, broken between words."""
        self._add(wrap(self.clean(text), self.width, indent), style)

    def parts(self, parts: Sequence[str], style: str = "") -> None:
        """Parts on one line, broken between parts."""
        self._add(wrap_parts([self.clean(part) for part in parts], self.width, self.clean(MARK)), style)

    def chip(self, chip: Chip) -> None:
        """A part of the verdict: its word in its color."""
        line = self.label(chip.title, [chip.word, *([chip.detail] if chip.detail else [])])
        word = self.clean(chip.word)
        if line.plain[LABEL:].startswith(word):
            line.stylize(STYLES[chip.standing], LABEL, LABEL + len(word))

    def label(self, label: str, parts: Sequence[str], *, command: str | None = None, style: str = "dim") -> Text:
        """A labelled line; a command stands on it where it fits, else on lines of its own. Returns the first line."""
        indent = LABEL if self.width >= LEAST_INDENTED else 2
        mark, first = self.clean(MARK), len(self.lines)
        lines = wrap(mark.join(map(self.clean, parts)), self.width, indent, taken=LABEL)
        lines[0] = label.ljust(LABEL) + lines[0]
        shown = "" if command is None else self.clean(command)
        joined = lines[-1] + (mark if parts else "") + shown
        if not shown:
            self._add(lines)
        elif cell_len(joined) <= self.width:
            self._add([*lines[:-1], joined])
        else:
            self._add(lines)
            self._add(wrap_command(shown, self.width, indent))
        self.lines[first].stylize(style, 0, len(label))
        for line in self.lines[first:] if shown else ():
            if (start := line.plain.find(shown)) >= 0:
                line.stylize("cyan", start, start + len(shown))
        return self.lines[first]

    def _add(self, lines: Sequence[str], style: str = "") -> None:
        self.lines += [Text(line.rstrip(), style=style, no_wrap=True) for line in lines]
