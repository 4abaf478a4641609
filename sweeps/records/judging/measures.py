"""What the logs of a record measure: sizes, seconds, the unit of its scores."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from jobs.logs import Log, agree, decimals
from sweeps.records.record import Record
from sweeps.records.runs import Run

CheckResults = Iterator[tuple[str, str]]
"""Code and detail of each finding of a check."""
OUTSIDE_CLOCKS = ("eval.compile", "eval.outside")
"""Parts of an evaluation that scripts leave out of their own clock of it."""
PROCESS_CLOCKS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "training": (("train.process",),),
    "evaluation": (("eval.process",), ("eval.total", *OUTSIDE_CLOCKS)),
    "quantization": (("quantize.elapsed",),),
}
"""Process → ways to measure the whole of it, each a clock that logs print (jobs.logs) and others that run beside it."""
ONE_UNIT = Decimal("0.001")
"""Share by which bits per byte of a nat may differ on one validation set, by rounding or one more window. Between the
challenge's tokenizers they differ by at least an eighth."""


def measure_raw_sizes(record: Record) -> dict[str, int | None]:
    """Seed → bytes of the model and the code as written, neither minified nor compressed."""
    return {
        seed: None
        if run.log.model_bytes is None or run.log.raw_code_bytes is None
        else run.log.model_bytes + run.log.raw_code_bytes
        for seed, run in record.counted.items()
    }


def measure_eval_seconds(record: Record, run: Run) -> float | None:
    """Seconds of a log's evaluation: on its score's line, else on one with that score, else by the script's clock."""
    score = record.line_of(run)
    return None if score is None else run.log.seconds_of(score)


def measure_process_seconds(record: Record, run: Run, process: str) -> tuple[float, str] | None:
    """The most seconds that a whole process took, and their clocks; None where no way has its first clock."""
    log = run.log
    if process == "evaluation" and "eval.total" not in log.clocks and not set(OUTSIDE_CLOCKS).isdisjoint(log.clocks):
        log = replace(log, clocks=log.clocks | _time_score(record, run))
    ways = [
        [name for name in parts if name in log.clocks] for parts in PROCESS_CLOCKS[process] if parts[0] in log.clocks
    ]
    return max(((sum(log.clocks[name] for name in parts), " + ".join(parts)) for parts in ways), default=None)


def _time_score(record: Record, run: Run) -> dict[str, float]:
    """The time beside the score, for the script's own clock of the evaluation where it prints none."""
    seconds = measure_eval_seconds(record, run)
    return {} if seconds is None else {"eval.total": seconds}


def has_limit(clock: str) -> bool:
    """Whether a clock runs within one stage that has a limit; clocks of several stages have none."""
    return clock.startswith(("train.", "eval.")) or clock in sum(PROCESS_CLOCKS["quantization"], ())


def measure_bpb_per_nat(record: Record) -> float | None:
    """Bits per byte of one nat per token: score divided by loss, on the lines that count.

    None where lines are of different validation sets or tokenizers, or where a loss repeats the score.
    """
    lines = [line for seed in record.counted if (line := record.score_of(seed))]
    pairs = [(line.bpb, line.loss) for line in lines if line.loss]
    if not pairs or any(agree(loss, bpb) for bpb, loss in pairs):
        return None
    bpb, loss = max(pairs, key=lambda pair: decimals(pair[0]))
    unit = bpb / loss
    return float(unit) if all(abs(bpb - unit * loss) <= ONE_UNIT * bpb for bpb, loss in pairs) else None


def find_tokenizer(record: Record) -> str | None:
    """The tokenizer's file, or the data set that is named after it; None where the logs that count name several."""
    names = {run.log.tokenizer or run.log.data for run in record.counted.values()}
    return names.pop() if len(names) == 1 else None


def find_trained_bpb(log: Log) -> Decimal | None:
    """Bits per byte of the weights as trained: the last score before quantization."""
    scores = log.of_stage("trained")
    return scores[-1].bpb if scores else None


def find_quantized_bpb(log: Log) -> Decimal | None:
    """Bits per byte of the quantized model without adaptation: the first such score, because some scripts give its name
    to later evaluations too."""
    scores = log.of_stage("roundtrip")
    return scores[0].bpb if scores else None
