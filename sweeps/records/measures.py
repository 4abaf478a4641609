"""Sums and roundings that findings, rows and reviews share."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from jobs.logs import Log, agree, decimals
from sweeps.records.record import Record, Run

Findings = Iterator[tuple[str, str]]
"""Code and detail of each finding, as checks make them."""
PROCESS_CLOCKS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "training": (("train.process",),),
    "evaluation": (("eval.process",), ("eval.total", "eval.compile")),
    "quantization": (("quantize.elapsed",),),
}
"""What a whole process took, as far as logs print it: clocks (jobs.logs) that are added up, one way or another."""

SAME_UNIT = Decimal("0.001")
"""Share by which bits per byte of a nat may differ between lines on one text: rounding, a last window more or less.
Between the challenge's tokenizers they differ by an eighth at least."""


def deviations(scores: Sequence[float]) -> tuple[float, float]:
    """Standard deviation of a sample (n − 1) and of a population (n)."""
    return statistics.stdev(scores), statistics.pstdev(scores)


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


def eval_seconds(record: Record, run: Run) -> float | None:
    """What a log's evaluation took: its score's own line, the same score's under another name, or the script's."""
    score = run.score(record.stage, record.claimed_of(run.seed or ""))
    if score is None:
        return None
    own = [one.seconds for one in run.log.scores if one.name == score.name and one.seconds]
    twins = [one.seconds for one in run.log.scores if one.seconds and abs(one.bpb - score.bpb) < Decimal("0.0001")]
    clocks = [run.log.clocks[name] for name in ("eval.total", "eval.adapted_run") if name in run.log.clocks]
    return next((seconds for seconds in (*own[-1:], *twins[-1:], *clocks) if math.isfinite(seconds)), None)


def process_seconds(log: Log, process: str) -> tuple[float, str] | None:
    """The most that a whole process took and the clocks that say so; None where a log lacks some of every way's."""
    ways = [parts for parts in PROCESS_CLOCKS[process] if all(name in log.clocks for name in parts)]
    return max(((sum(log.clocks[name] for name in parts), " + ".join(parts)) for parts in ways), default=None)


def has_limit(clock: str) -> bool:
    """Whether a clock runs within one stage that has a limit; those that span several have none."""
    return clock.startswith(("train.", "eval.")) or clock in sum(PROCESS_CLOCKS["quantization"], ())


def bpb_per_nat(record: Record) -> float | None:
    """Bits per byte of a nat per token: score over loss, as the lines that count print them.

    None where lines tell of different texts or tokenizers, or where a loss is the score again.
    """
    lines = [line for seed in record.counted if (line := record.score_of(seed))]
    pairs = [(line.bpb, line.loss) for line in lines if line.loss]
    if not pairs or any(agree(loss, bpb) for bpb, loss in pairs):
        return None
    bpb, loss = max(pairs, key=lambda pair: decimals(pair[0]))
    unit = bpb / loss
    return float(unit) if all(abs(bpb - unit * loss) <= SAME_UNIT * bpb for bpb, loss in pairs) else None


def tokenizer(record: Record) -> str | None:
    """The tokenizer's file, or what the data set is called after it; None where the logs that count name several."""
    named = {run.log.tokenizer or run.log.data for run in record.counted.values()}
    return named.pop() if len(named) == 1 else None


def trained_bpb(log: Log) -> Decimal | None:
    """Bits per byte of the weights as trained: the last score before quantization."""
    scores = log.of_stage("trained")
    return scores[-1].bpb if scores else None


def quantized_bpb(log: Log) -> Decimal | None:
    """Bits per byte of the quantized model, window by window: the first such score, for some scripts give the name
    of the plain evaluation to every later one."""
    scores = log.of_stage("roundtrip")
    return scores[0].bpb if scores else None
