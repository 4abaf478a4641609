"""Parse a log, line by line: all at once, or while it grows."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import compress

from jobs.logs.fact_lines import read_clocks, read_settings, read_sizes
from jobs.logs.lines import Line, LineCutter, read_line
from jobs.logs.log import Log
from jobs.logs.marks import select_lines
from jobs.logs.score_lines import may_give_score, read_own_scores, read_progress
from jobs.logs.step_lines import starts_step

_CODE_MARKS = ("(", ";", "def ", "import ", "{", "}")
"""Characters of a line of source code, which a dump of settings does not have."""
_DUMP = re.compile(r"^(?:[\w ]{1,40}: ?)?(?:\{.*\}|\w{0,40}(?:Namespace|Args|Config|Hyperparameters)\(.*\))\s*$")
"""A dump of settings as Python prints an object or a dictionary, which may have those characters."""


class LogReader:
    """Reads one log, whose bytes may arrive in any pieces."""

    def __init__(self, wanted: str | None = None) -> None:
        """Start before the first byte.

        Args:
            wanted: a regular expression of RE2; lines that have it are given, too, whatever they say.
        """
        self._log = Log()
        self._wanted = wanted
        self._cutter = LineCutter()
        self._digest = hashlib.sha256()

    @property
    def in_source(self) -> bool:
        """Whether it is inside the script's own source, which many logs begin with."""
        return self._log.practices.in_source

    @property
    def settings(self) -> dict[str, str]:
        """Settings read so far, as printed."""
        return self._log.settings

    @property
    def runs(self) -> int:
        """Number of trainings that ended early so far."""
        return self._log.runs

    def feed(self, content: bytes) -> Iterator[Line]:
        """Read more bytes; gives each line of interest that they complete, after it was read."""
        self._digest.update(content)
        yield from self._read_all(self._cutter.feed(content))

    def end(self) -> Iterator[Line]:
        """Read the last line if it had no end; gives it."""
        yield from self._read_all(self._cutter.end())

    def log(self) -> Log:
        """What was read so far, with missing sizes and clocks derived."""
        log = deepcopy(self._log)
        log.digest = self._digest.hexdigest()
        _complete(log)
        return log

    def _read_all(self, pieces: Sequence[tuple[bytes, bool]]) -> Iterator[Line]:
        selected = select_lines([piece for piece, _ in pieces], self._wanted)
        for piece, whole in compress(pieces, selected):
            for line in read_line(piece, whole=whole):
                self._read(line)
                yield line

    def _read(self, line: Line) -> None:
        log, text = self._log, line.text
        if line.stamp is not None:
            log.first_stamp = line.stamp if log.first_stamp is None else log.first_stamp
            log.last_stamp = line.stamp
        if log.practices.in_source and starts_step(text):
            log.practices.in_source = False  # no ruler stood before the results
        log.practices.read(text, len(log.scores))
        if not log.practices.in_source:
            if may_give_score(text):
                read_progress(log, text, whole=line.whole)
            read_own_scores(log, text, whole=line.whole)
        read_sizes(log, text)
        read_clocks(log, text)
        if _DUMP.match(text) or not any(mark in text for mark in _CODE_MARKS):
            read_settings(log, text)


def parse(pieces: Iterable[bytes]) -> Log:
    """Parse a log.

    Args:
        pieces: its bytes in any pieces; invalid UTF-8 is replaced, and a long line read as several.
    """
    reader = LogReader()
    for piece in pieces:
        for _ in reader.feed(piece):
            pass
    for _ in reader.end():
        pass
    return reader.log()


def _complete(log: Log) -> None:
    """Derive missing sizes and clocks."""
    log.complete_sizes()
    if not log.train_seconds:
        log.train_seconds = None  # the clock of a step before the first, which says nothing of the training
    else:
        log.clocks["train.train"] = log.train_seconds
    if log.first_stamp is not None and log.last_stamp is not None and log.last_stamp > log.first_stamp:
        log.clocks["log"] = round(log.last_stamp - log.first_stamp, 3)
    for score in log.scores:
        if score.seconds is not None:
            log.clocks[f"eval.{score.name}"] = score.seconds
