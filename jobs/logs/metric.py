"""The metric of a script: the value of one line that its sweep names, by the line's name or by a regular expression.

A regular expression is of RE2, whose time grows with the length of a line and with nothing else, so that neither a
careless expression nor a hostile line can stop the reader. RE2 has no lookarounds and no backreferences.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from golf.errors import InputError
from jobs.logs.lines import Line
from jobs.logs.log import ScoreStage
from jobs.logs.numbers import agree, decimals
from jobs.logs.score_lines import read_score, stage_of

MAX_VALUES = 20
"""Different values that are kept; two are already too many."""
MAX_PATTERN = 500
LAST = "last "
"""Before a metric: its line is printed again and again, as a validation is, and the last value counts."""
_NAME = re.compile(r"[A-Za-z_](?:[\w.+: -]|\(level=\d{1,2}\)){0,79}", re.ASCII)
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P?<(?P<name>\w+)>|\(\?|(?P<plain>\()|.", re.DOTALL)
"""A token of a regular expression: an escape, a class, the start of a group, or any other character."""
_ENDS = re.compile(r"$|[\s,;|/%()\[\]{}\"']")
"""What may follow a number that is complete."""
_NOT_FINITE = re.compile(r"val_(?:loss|bpb)[:=] ?[-+]?(?:nan|inf)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricReading:
    """What was read of a metric."""

    name: str | None
    """The metric as the sweep names it; None where it names none."""
    values: tuple[float, ...] = ()
    """Different values in the order in which they were printed, 20 at most."""

    @property
    def value(self) -> float | None:
        """The value; None where none or several were printed."""
        return self.values[0] if len(self.values) == 1 else None


class MetricReader:
    """Takes a metric's values from lines."""

    def __init__(self, metric: str) -> None:
        """Prepare to read a metric.

        Args:
            metric: the name of a line, such as "legal_ttt_exact", or a regular expression with one group; with `LAST`
                before it where only the last value counts.

        Raises:
            InputError: it is neither.
        """
        self._printed_as, self._metric = metric, metric.removeprefix(LAST)
        self._only_last = metric.startswith(LAST)
        self.pattern = None if named_line(metric) is not None else _name_group(self._metric)
        """The regular expression, as RE2 takes it."""
        self._values: list[Decimal] = []
        self._doubtful: list[Decimal] = []
        """Values right behind which something else stands, maybe digits of another process's line."""
        self.stage: ScoreStage | None = stage_of(self._metric) if self.pattern is None else None
        """What a named line measures."""
        self.lost: str | None = None
        """The first line that gives an infinite value or none that is a number."""

    def read(self, lines: Sequence[Line]) -> None:
        """Take in lines of results, not of source code.

        A line that did not end is no evidence for a regular expression: its last digits may be missing.
        """
        if self.pattern is None:
            for line in lines:
                self._read_named(line)
            return
        texts = [line.text for line in lines if line.whole]
        if not texts:
            return
        matches = pc.extract_regex(pa.array(texts, pa.string()), pattern=self.pattern).to_pylist()
        for text, match in zip(texts, matches, strict=True):
            if match is not None:
                (number,) = match.values()
                self._take_text(number, text)

    def reading(self) -> MetricReading:
        """What was read so far; doubtful values count where there are no others."""
        return MetricReading(name=self._printed_as, values=tuple(map(float, self._values or self._doubtful)))

    def _read_named(self, line: Line) -> None:
        score = read_score(line.text, whole=line.whole)
        if score is not None and self._names(score.printed_name, score.value.name):
            self._take(score.value.bpb, score.rest)
        elif self.lost is None and line.text.startswith(self._metric) and _NOT_FINITE.search(line.text):
            self.lost = line.text

    def _names(self, printed: str, name: str) -> bool:
        """Whether a line is the metric's: the rounded copy of a line whose name ends with "_exact" is another."""
        return self._metric in (printed, name)

    def _take_text(self, number: str, line: str) -> None:
        try:
            value = Decimal(number)
        except InvalidOperation:
            return  # such as "enabled" of "val_bpb:enabled"
        if math.isfinite(value):
            self._take(value, line.partition(number)[2])
        elif self.lost is None:
            self.lost = line

    def _take(self, value: Decimal, rest: str) -> None:
        """Keep a value that is new; of a named line and its rounded copy the one with more digits counts."""
        values = self._values if _ENDS.match(rest) else self._doubtful
        if self._only_last:
            values[:] = [value]
            return
        for index, known in enumerate(values):
            copies = self.pattern is None and decimals(value) != decimals(known) and agree(value, known)
            if value == known or copies:
                values[index] = max(known, value, key=decimals)
                return
        if len(values) < MAX_VALUES:
            values.append(value)


def check_metric(metric: str) -> None:
    """Check what a sweep names as its metric.

    Raises:
        InputError: it is neither the name of a line nor a regular expression with one group.
    """
    MetricReader(metric)


def named_line(metric: str) -> str | None:
    """The name of the line that a metric is; None of a regular expression."""
    name = metric.removeprefix(LAST)
    return name if _NAME.fullmatch(name) else None


def _name_group(pattern: str) -> str:
    """The regular expression with a name for its one group, as Arrow wants it.

    Raises:
        InputError: it has no group or several, or RE2 does not know it.
    """
    shown = f'metric "{pattern[:80]}"'
    if len(pattern) > MAX_PATTERN:
        raise InputError(f"{shown}: has {len(pattern)} characters; expected {MAX_PATTERN} at most")
    groups = [token for token in _TOKEN.finditer(pattern) if token["name"] or token["plain"]]
    if len(groups) != 1:
        raise InputError(
            f"{shown}: has {len(groups)} groups; expected the name of a line, such as legal_ttt_exact, or a regular"
            " expression with one group around the number"
        )
    (group,) = groups
    named = pattern if group["name"] else f"{pattern[: group.start()]}(?P<value>{pattern[group.end() :]}"
    try:
        pc.extract_regex(pa.array([""]), pattern=named)
    except pa.ArrowInvalid as error:
        problem = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
        raise InputError(f"{shown}: {problem}; expected a regular expression of RE2") from None
    return named
