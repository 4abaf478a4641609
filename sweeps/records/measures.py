"""Sums and roundings that findings, rows and reviews share."""

import math
import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal

from jobs.logs import Log, decimals
from sweeps.records.record import Record

PROCESS_CLOCKS: Mapping[str, tuple[str, ...]] = {
    "training": ("train.process",),
    "evaluation": ("eval.total", "eval.compile"),
    "quantisation": ("quantize.elapsed",),
}
"""What a whole process took, as far as logs print its parts: clocks (jobs.logs) that are added up."""


def deviations(scores: Sequence[float]) -> tuple[float, float]:
    """Standard deviation of a sample (n − 1) and of a population (n)."""
    return statistics.stdev(scores), statistics.pstdev(scores)


def to_decimal(number: float, like: Decimal) -> Decimal:
    """A computed number with more digits than a printed one that it is held against."""
    return Decimal(repr(round(number, decimals(like) + 4)))


def rounded(number: Decimal, digits: int) -> str:
    """A number with so many digits after the point."""
    return f"{number:.{digits}f}"


def raw_sizes(record: Record) -> dict[str, int | None]:
    """Seed → bytes of the model and the code as written, neither minified nor compressed."""
    return {
        seed: None
        if run.log.model_bytes is None or run.log.raw_code_bytes is None
        else run.log.model_bytes + run.log.raw_code_bytes
        for seed, run in record.counted.items()
    }


def eval_seconds(record: Record, seed: str) -> float | None:
    """What the evaluation that counts took: its own line, the same score's line under another name, or the script's."""
    score, run = record.score_of(seed), record.counted.get(seed)
    if score is None or run is None:
        return None
    own = [one.seconds for one in run.log.scores if one.name == score.name and one.seconds]
    twins = [one.seconds for one in run.log.scores if one.seconds and abs(one.bpb - score.bpb) < Decimal("0.0001")]
    clocks = [run.log.clocks[name] for name in ("eval.total", "eval.adapted_run") if name in run.log.clocks]
    return next((seconds for seconds in (*own[-1:], *twins[-1:], *clocks) if math.isfinite(seconds)), None)


def clock_sum(log: Log, parts: Sequence[str]) -> float | None:
    """The sum of clocks; None unless all of them are printed."""
    found = [log.clocks[name] for name in parts if name in log.clocks]
    return sum(found) if len(found) == len(parts) else None
