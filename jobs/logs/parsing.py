"""Parse a log, line by line."""

import hashlib
import re
from collections.abc import Iterable

from jobs.logs.fact_lines import read_clocks, read_settings, read_sizes
from jobs.logs.log import Log
from jobs.logs.score_lines import may_give_score, read_own_scores, read_progress

_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^\[(?:default|rank)?\d{1,4}\]: ?")
"""Colors, and torchrun's prefix of a process."""
_STAMP = re.compile(r"^\d{9,10}\.\d+ ")
_CODE_MARKS = ("(", ";", "def ", "import ", "{", "}")
"""Characters of a line of source code, which a dump of settings does not have."""
_DUMP = re.compile(r"^(?:[\w ]{1,40}: ?)?(?:\{.*\}|\w{0,40}(?:Namespace|Args|Config|Hyperparameters)\(.*\))\s*$")
"""A dump of settings as Python prints an object or a dictionary, which may have those characters."""


def parse(lines: Iterable[bytes]) -> Log:
    """Parse a log.

    Args:
        lines: lines of bounded length, with their line ends; invalid UTF-8 is replaced.
    """
    log = Log()
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        for visible in line.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
            _read(log, _TERMINAL.sub("", visible), whole=line.endswith((b"\n", b"\r")))
    log.digest = digest.hexdigest()
    _complete(log)
    return log


def _read(log: Log, line: str, *, whole: bool) -> None:
    if stamp := _STAMP.match(line):
        seconds = float(stamp.group())
        log.first_stamp = seconds if log.first_stamp is None else log.first_stamp
        log.last_stamp = seconds
        line = line[stamp.end() :]
    log.practices.read(line, log.scores_printed)
    if may_give_score(line):
        read_progress(log, line, whole=whole)
    if not log.practices.in_source:
        read_own_scores(log, line, whole=whole)
    read_sizes(log, line)
    read_clocks(log, line)
    if _DUMP.match(line) or not any(mark in line for mark in _CODE_MARKS):
        read_settings(log, line)


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
