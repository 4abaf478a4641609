"""Logs whose lines a contest's file describes by patterns: a source listing, the environment, then a line a step."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache

from golf.errors import InputError
from sweeps.contests.contest import LogTable
from sweeps.contests.log import TrainingLog, Validation

MOST_CHARACTERS = 2_000
"""Characters of a line that are read; lines of this form are short."""
MOST_VALIDATIONS = 20_000
"""Validations of a log that are kept; no training validates as often."""


def read(table: LogTable, lines: Iterable[bytes]) -> TrainingLog:
    """Read a log; lines of other forms are ignored, and so is everything before the first ruler.

    Raises:
        InputError: the contest's file lacks the pattern of validations or scores.
    """
    if table.validation is None or table.score is None:
        raise InputError('a contest\'s file: log.reader = "step-lines" needs log.validation and log.score')
    log, digest, ruled = TrainingLog(), hashlib.sha256(), table.ruler is None
    for line in lines:
        digest.update(line)
        text = line[:MOST_CHARACTERS].decode("utf-8", "replace").rstrip("\r\n")
        if not ruled and _compile(table.ruler or "").search(text):
            log, ruled = TrainingLog(), True
        elif line.endswith((b"\n", b"\r")) or not _may_be_cut(table, text):
            _read_line(table, log, text)
    log.digest = digest.hexdigest()
    return log


def _may_be_cut(table: LogTable, text: str) -> bool:
    """Whether a line without an end ends within a score, whose last digits may be missing."""
    ends = [match.end() for match in _compile(table.score or "").finditer(text)]
    return bool(ends) and ends[-1] == len(text)


def _read_line(table: LogTable, log: TrainingLog, text: str) -> None:
    if match := _compile(table.validation or "").search(text):
        _add_validation(table, log, int(match["step"]), int(match["of"]), text)
        return
    for pattern in table.machine:
        if match := _compile(pattern).search(text):
            log.gpu = match["gpu"]
            count = match.groupdict().get("count")
            log.gpus = int(count) if count else (log.gpus or 0) + 1
            break
    if table.seed is not None and log.seed is None and (match := _compile(table.seed).search(text)):
        log.seed = str(int(match["seed"]))
    if table.host is not None:
        log.hosts |= {match["id"] for match in _compile(table.host).finditer(text)}


def _add_validation(table: LogTable, log: TrainingLog, step: int, planned: int, text: str) -> None:
    """Add a validation. One more at the last step adds scores; another value there, or an earlier step, is another
    training."""
    scores = {match["name"]: Decimal(match["value"]) for match in _compile(table.score or "").finditer(text)}
    if not scores or len(log.validations) >= MOST_VALIDATIONS:
        return
    log.foreign = log.foreign or (table.foreign is not None and _compile(table.foreign).search(text) is not None)
    last = next(reversed(log.validations), -1)
    known = log.validations[step].scores if step == last else {}
    if not log.validations or step < last or any(known.get(name, value) != value for name, value in scores.items()):
        log.trainings += 1
    log.planned_steps = planned
    log.validations.pop(step, None)
    log.validations[step] = Validation(scores={**known, **scores}, seconds=next(_read_seconds(table, text), None))


def _read_seconds(table: LogTable, text: str) -> Iterator[float]:
    if table.clock is not None and (match := _compile(table.clock).search(text)):
        yield float(match["time"]) / (1000 if match["unit"] == "ms" else 1)


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
