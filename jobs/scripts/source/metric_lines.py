"""The lines with scores that a script prints, found by filling its texts with numbers and reading them as a log."""

import ast
import re
from dataclasses import dataclass

from jobs.logs import ScoreStage, parse
from jobs.scripts.source.values import UNKNOWN, Values

_NUMBER = "1.23456789"
_PLACES = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[sdifgeEr]|\{[^{}]{0,40}\}")
"""Places of `%` and `format`."""
MOST_METRICS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricLine:
    """A line with a score that a script prints."""

    name: str
    """As `metric` of a sweep file names it."""
    stage: ScoreStage
    line: int


def find_metric_lines(values: Values) -> tuple[MetricLine, ...]:
    """Lines with scores, in the order of the text, each name once."""
    metrics: dict[str, MetricLine] = {}
    for node in values.nodes:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            if isinstance(values.parents.get(node), ast.JoinedStr) or "bpb" not in _text(node):
                continue
            for string in sorted(values.strings(node)):
                for score in _scores(string):
                    if len(metrics) < MOST_METRICS:
                        metrics.setdefault(score[0], MetricLine(name=score[0], stage=score[1], line=node.lineno))
    return tuple(sorted(metrics.values(), key=lambda metric: metric.line))


def _text(node: ast.JoinedStr | ast.Constant) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def _scores(string: str) -> list[tuple[str, ScoreStage]]:
    filled = _PLACES.sub(_NUMBER, string.replace(UNKNOWN, _NUMBER))
    scores = parse(line.encode() + b"\n" for line in filled.splitlines()[:20]).scores
    return [(score.name, score.stage) for score in scores if not score.name.startswith(_NUMBER)]
