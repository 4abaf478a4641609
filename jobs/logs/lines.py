"""Lines of output that grows: cut out of any pieces, freed of prefixes, and parted where processes glued them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

MAX_LINE_BYTES = 1 << 16
"""A longer line is read as several."""

_COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PREFIX = re.compile(
    r"^(?:\[(?:default|rank)?\d{1,4}\]: ?"
    r"|\[(?:20\d\d-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?\] ?"
    r"|(?:\[20\d\d-\d\d-\d\d\]|20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) (?=\W{0,2}(?:INFO|WARNING)\b)"
    r"|(?:- )?\[?(?:INFO|WARNING)\]?(?: -|:) )",
    re.ASCII,
)
"""Of a process, as torchrun writes it; of a time of day; of a level, as loggers write it."""
_STAMP = re.compile(r"^\[?(\d{9,10}\.\d+|1[5-9]\d{8})\]?:? ", re.ASCII)
"""Epoch seconds."""
_SCORES = r"(?:final|quantized|legal_ttt|diagnostic|pre_quant)[\w ()=.+-]{0,60}? ?val_(?:loss|bpb)[:=]"
_GLUED = re.compile(
    r"(?<=[^\s\w./:-])(?=\d{1,9}/\d{1,9} (?:train|val)_loss: ?\d)"
    r"|(?:(?<=[^\sA-Za-z_:./-])|(?<=\dms)|(?<=\ds))"
    rf"(?=step:\d{{1,9}}/\d{{1,9}} (?:train|val)_loss:|stopping_early: |tt(?:p: b|tg: c|pp: phase:)\d|{_SCORES})",
    re.ASCII,
)
"""Where a line of a known form begins within another: processes that share a pipe write into each other's lines."""
_MARKS = ("_loss", "val_bpb", "stopping_early", "ttp", "tttg")
"""Parts of those forms: a line without any is not searched, which saves most of the time."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a reader of logs takes it."""

    text: str
    """Without prefixes, colors and its end; invalid UTF-8 is replaced."""
    whole: bool
    """Whether it ended; the last digits of a line that did not may be missing."""
    stamp: float | None = None
    """Epoch seconds at its start."""


class LineCutter:
    """Cuts bytes that arrive in any pieces into lines of bounded length.

    A carriage return, which progress bars print, ends a line too.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> list[tuple[bytes, bool]]:
        """The lines that these bytes complete, without their ends, and whether each ended."""
        *lines, rest = content.replace(b"\r", b"\n").split(b"\n")
        if lines:
            lines[0] = self._rest + lines[0]
            self._rest = rest
        else:
            self._rest += rest
        pieces = [piece for line in lines for piece in _cut(line, whole=True)]
        while len(self._rest) > MAX_LINE_BYTES:
            pieces.append((self._rest[:MAX_LINE_BYTES], False))
            self._rest = self._rest[MAX_LINE_BYTES:]
        return pieces

    def end(self) -> list[tuple[bytes, bool]]:
        """The last line, if it had no end."""
        rest, self._rest = self._rest, b""
        return _cut(rest, whole=False) if rest else []


def _cut(line: bytes, *, whole: bool) -> list[tuple[bytes, bool]]:
    if len(line) <= MAX_LINE_BYTES:
        return [(line, whole)]
    starts = range(0, len(line), MAX_LINE_BYTES)
    return [(line[start : start + MAX_LINE_BYTES], whole and start == starts[-1]) for start in starts]


def read_line(piece: bytes, *, whole: bool) -> Iterator[Line]:
    """The lines that stand in one line: several where processes glued them."""
    text, seconds = _COLORS.sub("", piece.decode("utf-8", "replace")), None
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    if stamp := _STAMP.match(text):
        text, seconds = text[stamp.end() :], float(stamp[1])
    glued = _GLUED.finditer(text) if any(mark in text for mark in _MARKS) else ()
    parts = [0, *(match.start() for match in glued), len(text)]
    for start, end in pairwise(parts):
        yield Line(text=text[start:end], whole=whole or end < len(text), stamp=seconds)
