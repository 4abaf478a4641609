"""Where everything is printed: stdout and stderr, as terminals of some width and encoding, or as files and pipes."""

import io
import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import IO, Any

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.highlighter import JSONHighlighter
from rich.segment import Segment
from rich.text import Text

from sweeps.text.escaping import ENCODING_ERRORS, escape, escape_lines, to_ascii, to_json

WHOLE_WIDTH = 100_000
"""Columns of a file or pipe, on which nothing is broken or left out."""
UNKNOWN_WIDTH, UNKNOWN_HEIGHT = 80, 25
"""Of a terminal that does not say its size."""


class ColorChoice(StrEnum):
    """When output has colors."""

    AUTO = "auto"
    """On a terminal that has colors, unless NO_COLOR is set."""
    ALWAYS = "always"
    NEVER = "never"


class _Choices:
    """What was chosen for this process."""

    color = ColorChoice.AUTO


def choose_color(choice: ColorChoice) -> None:
    """Choose when all terminals that are opened from now on have colors."""
    _Choices.color = choice


class Terminal(Console):
    """Prints text as it is, without markup; characters that a terminal would obey are escaped on every way out."""

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        # rich would stop on a COLUMNS that is no number; `size` reads it.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False, "_environ": environment}
        if _Choices.color == ColorChoice.NEVER:
            plain["no_color"] = True
        elif _Choices.color == ColorChoice.ALWAYS:
            plain |= {"no_color": False, "color_system": "256"}
        super().__init__(stderr=stderr, file=file, width=width, **plain)

    @property  # type: ignore[misc]
    def size(self) -> ConsoleDimensions:
        """Columns and lines: what COLUMNS says, else the terminal's, else no limit."""
        width = self._width or measure_width(self.file)
        return ConsoleDimensions(width, self._height or _measure(self.file)[1])

    def print_line(self, text: str) -> None:
        """Print one line, which no terminal breaks in another place than its end."""
        self.print(Text(escape(text)), soft_wrap=True)

    def show_json(self, content: object) -> None:
        """Print one JSON document for people, with colors on a terminal."""
        text = to_json(content, only_ascii=self.options.ascii_only)
        self.print(JSONHighlighter()(text), soft_wrap=True)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything, escaped; the one way by which text gets to a terminal."""
        only_ascii = (options or self.options).ascii_only
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
                continue
            text = escape_lines(segment.text)
            yield Segment(to_ascii(text) if only_ascii else text, segment.style)


def prepare_streams() -> None:
    """Have stdout and stderr take any text, whatever their encoding: what it lacks is written in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ENCODING_ERRORS)


def takes_unicode() -> bool:
    """Whether stdout has an encoding for all characters."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def measure_width(stream: IO[str]) -> int:
    """Columns to print on: COLUMNS if it is above 0, else those of the terminal; no limit on files and pipes."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:9]) > 0:
        return int(columns[:9])
    return _measure(stream)[0]


def _measure(stream: IO[str]) -> tuple[int, int]:
    """Columns and lines of a stream's terminal."""
    try:
        if not stream.isatty():
            return WHOLE_WIDTH, UNKNOWN_HEIGHT
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):  # no terminal, or a closed stream
        return UNKNOWN_WIDTH, UNKNOWN_HEIGHT
    return size.columns or UNKNOWN_WIDTH, size.lines or UNKNOWN_HEIGHT
