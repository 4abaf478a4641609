"""Bytes, seconds and steps of a record, compared with the challenge's limits and with its own claims."""

from sweeps.board.rules import LIMIT_BYTES, LIMIT_SECONDS
from sweeps.records.arithmetic import find_worst
from sweeps.records.judging import measures
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record


def check_sizes(record: Record) -> CheckResults:
    """Find bytes over the limit, and claimed bytes that differ from the logs."""
    totals = {seed: run.log.total_bytes for seed, run in record.counted.items()}
    largest, claims = find_worst(totals), record.claims
    if largest and largest[1] > LIMIT_BYTES:
        yield "size", f"{largest[1]:,} bytes (seed {largest[0]}), over {LIMIT_BYTES:,}"
    elif not largest and claims.most_bytes is not None and claims.most_bytes > LIMIT_BYTES:
        yield "size", f"{claims.most_bytes:,} bytes claimed, over {LIMIT_BYTES:,}"
    raw = find_worst(measures.measure_raw_sizes(record))
    if raw and raw[1] > LIMIT_BYTES and not (largest and largest[1] > LIMIT_BYTES):
        yield "size-raw", f"{raw[1]:,} bytes with the code as written (seed {raw[0]}), over {LIMIT_BYTES:,}"
    if largest and claims.total_bytes is not None and claims.total_bytes != largest[1]:
        others = [seed for seed, total in totals.items() if total == claims.total_bytes]
        whose = f", which are those of seed {', '.join(others)}" if others else ""
        yield (
            "bytes-differ",
            f"{claims.total_bytes:,} bytes claimed{whose}; the largest log (seed {largest[0]}) says {largest[1]:,}",
        )
    yield from _check_mean_bytes(record)
    yield from _check_seed_bytes(record)
    codes = {size for run in record.counted.values() for size in (run.log.code_bytes, run.log.raw_code_bytes) if size}
    if claims.code_bytes is not None and codes and claims.code_bytes not in codes:
        printed = ", ".join(f"{size:,}" for size in sorted(codes))
        yield "code-bytes", f"{claims.code_bytes:,} bytes of code claimed, the logs say {printed}"


def check_times(record: Record) -> CheckResults:
    """Find seconds over the limit, and claimed seconds or steps that differ from the logs."""
    yield from _check_training_time(record)
    evaluated = {seed: measures.measure_eval_seconds(record, run) for seed, run in record.counted.items()}
    if (longest := find_worst(evaluated)) and longest[1] > LIMIT_SECONDS:
        yield "time", f"evaluation took {longest[1]:.3f} s (seed {longest[0]}), over {LIMIT_SECONDS:g} s"
    claims = record.claims
    for what, claimed, measured in (
        ("training", claims.train_seconds, [run.log.train_seconds for run in record.counted.values()]),
        ("evaluation", claims.eval_seconds, list(evaluated.values())),
    ):
        known = [seconds for seconds in measured if seconds is not None]
        if claimed is not None and claimed > LIMIT_SECONDS + 1 and not known:
            yield "time", f"{what} took {claimed:g} s as claimed, over {LIMIT_SECONDS:g} s"
        if claimed is not None and known and not min(known) - 1 <= claimed <= max(known) + 1:
            yield "time-differs", f"{claimed:g} s of {what} claimed, the logs say {max(known):.3f} s"
    yield from _check_process_times(record)
    yield from _check_steps(record)


def _check_mean_bytes(record: Record) -> CheckResults:
    claims = record.claims
    sizes = [run.log.total_bytes for run in record.counted.values() if run.log.total_bytes is not None]
    if claims.mean_bytes is not None and sizes and len(sizes) == (claims.count or len(sizes)):
        mean = sum(sizes) / len(sizes)
        if abs(claims.mean_bytes - mean) > 1:
            yield "bytes-differ", f"a mean of {claims.mean_bytes:,} bytes claimed, the logs' is {mean:,.0f}"


def _check_seed_bytes(record: Record) -> CheckResults:
    for seed, claimed in record.claims.seed_bytes.items():
        run = record.counted.get(seed)
        if run and run.log.total_bytes is not None and run.log.total_bytes != claimed:
            model = " (the model alone)" if claimed == run.log.model_bytes else ""
            yield "bytes-differ", f"seed {seed}: {claimed:,} bytes claimed{model}, its log says {run.log.total_bytes:,}"


def _check_training_time(record: Record) -> CheckResults:
    over: dict[str, dict[str, float | None]] = {}
    for run in record.runs:
        seconds, log = run.log.train_seconds, run.log
        if seconds is not None and seconds > LIMIT_SECONDS:
            # The loop ends with the step that crosses the limit; a longer excess is no last step.
            last = max(1.0, seconds / max(log.steps or 1, 1))
            over.setdefault("time-last-step" if seconds - LIMIT_SECONDS <= last else "time", {})[run.path] = seconds
    for code, runs in over.items():
        if longest := find_worst(runs):
            others = f", {len(runs) - 1} more" if len(runs) > 1 else ""
            yield code, f"training took {longest[1]:.3f} s ({longest[0]}{others}), over {LIMIT_SECONDS:g} s"


def _check_process_times(record: Record) -> CheckResults:
    for process in measures.PROCESS_CLOCKS:
        measured = {
            seed: measures.measure_process_seconds(record, run, process) for seed, run in record.counted.items()
        }
        longest = max(((taken, seed) for seed, taken in measured.items() if taken), default=None)
        if longest and longest[0][0] > LIMIT_SECONDS:
            (seconds, clocks), seed = longest
            yield "time-process", f"{process} took {seconds:.1f} s as a whole (seed {seed}: {clocks})"


def _check_steps(record: Record) -> CheckResults:
    claims, steps = record.claims, {seed: run.log.steps for seed, run in record.counted.items()}
    known = [count for count in steps.values() if count is not None]
    if claims.steps is not None and known and claims.steps not in known:
        yield "steps-differ", f"{claims.steps:,} steps claimed, the logs say {', '.join(f'{n:,}' for n in known)}"
    for seed, claimed in claims.seed_steps.items():
        if (measured := steps.get(seed)) is not None and measured != claimed:
            yield "steps-differ", f"seed {seed}: {claimed:,} steps claimed, its log says {measured:,}"
