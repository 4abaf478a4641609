"""Lines of output that grows: cut out of any pieces, freed of prefixes, and parted where processes glued them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

MAX_LINE_BYTES = 1 << 16
"""A longer line is read as several."""

_END = re.compile(rb"[\r\n]")
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
    r"(?<=[^\s\w./-])(?<!step:)(?=\d{1,9}/\d{1,9} (?:train|val)_loss: ?\d)"
    r"|(?:(?<=[^\sA-Za-z_-])|(?<=\dms)|(?<=\ds))"
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
        self._rest = bytearray()

    def feed(self, content: bytes) -> Iterator[Line]:
        """The lines that these bytes complete."""
        start = 0
        for end in _END.finditer(content):
            yield from self._cut(content[start : end.start()], whole=True)
            start = end.end()
        self._rest += content[start:]
        while len(self._rest) > MAX_LINE_BYTES:
            piece = bytes(self._rest[:MAX_LINE_BYTES])
            del self._rest[:MAX_LINE_BYTES]
            yield from _read_line(piece, whole=False)

    def end(self) -> Iterator[Line]:
        """The last line, which had no end."""
        yield from self._cut(b"", whole=False)

    def _cut(self, content: bytes, *, whole: bool) -> Iterator[Line]:
        plain = bytes(self._rest + content)
        self._rest.clear()
        for start in range(0, len(plain), MAX_LINE_BYTES):
            piece = plain[start : start + MAX_LINE_BYTES]
            yield from _read_line(piece, whole=whole and start + len(piece) == len(plain))


def _read_line(piece: bytes, *, whole: bool) -> Iterator[Line]:
    text, seconds = _COLORS.sub("", piece.decode("utf-8", "replace")), None
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    if stamp := _STAMP.match(text):
        text, seconds = text[stamp.end() :], float(stamp[1])
    glued = _GLUED.finditer(text) if any(mark in text for mark in _MARKS) else ()
    parts = [0, *(match.start() for match in glued), len(text)]
    for start, end in pairwise(parts):
        yield Line(text=text[start:end], whole=whole or end < len(text), stamp=seconds)
