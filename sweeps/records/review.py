"""The judgment on one record, for a review thread: Markdown, or the same as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from golf.limits import LIMIT_BYTES
from sweeps.board.rules import LIMIT_SECONDS, MARGIN_NATS, Finding, Profile
from sweeps.records import measures
from sweeps.records.agreement import baseline_test
from sweeps.records.findings import LET_PASS, REMARKS, breaches, disagreements
from sweeps.records.record import Record, worst
from sweeps.records.rows import content_of, row_of
from sweeps.statistics import TestResult, summary

PROFILES: tuple[Profile, ...] = ("accepted", "strict")


def as_json(record: Record, findings: Sequence[Finding]) -> dict[str, Any]:
    """The row, what each seed's log says, sizes three ways, tests, and the verdicts."""
    return {
        "row": row_of(content_of(record, findings)),
        "protocol": record.stage,
        "logs": {seed: _log(record, seed) for seed in record.by_seed},
        "bytes": _bytes(record),
        "statistics": {name: _plain(test) for name, test in _tests(record).items()},
        "verdicts": {name: {"passes": not codes, "against": codes} for name, codes in _against(findings).items()},
    }


def passes(findings: Sequence[Finding]) -> bool:
    """Whether it keeps the rules as the organizers apply them, and bears out what it claims."""
    return not breaches(findings, "accepted") and not disagreements(findings)


def as_markdown(record: Record, findings: Sequence[Finding]) -> str:
    """The judgment as Markdown."""
    parts = [
        [f"# Check of {_cell(record.name)}"],
        list(_verdicts(findings)),
        ["## Seeds", "", *_seed_table(record)],
        ["## Claims and logs", "", *_claims(record)],
        ["## Bytes", "", *_byte_table(record)],
        ["## Clocks", "", *_clock_table(record, findings)],
        ["## Statistics", "", *_statistics(record)],
        ["## Findings", "", *_findings(findings)],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _against(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """What stands against a record: under each profile of the rules, and among its claims."""
    return {profile: breaches(findings, profile) for profile in PROFILES} | {"claims": disagreements(findings)}


def _verdicts(findings: Sequence[Finding]) -> Iterator[str]:
    names = {"accepted": "rules as accepted", "strict": "rules to the letter", "claims": "claims against logs"}
    for name, codes in _against(findings).items():
        yield f"- **{names[name]}**: {'does not pass: ' + ', '.join(codes) if codes else 'nothing found against it'}"
    yield "- Imports cannot be judged from outside: without the scorer no row is `legal`."


def _seed_table(record: Record) -> Iterator[str]:
    yield "| seed | log | metric | bpb | before quantization | quantized | steps | train s | eval s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for seed in record.scores:
        one = _log(record, seed)
        cells = (seed, *(one[name] for name in ("log", "metric", "bpb", "trained", "quantized", "steps")))
        yield _row(*cells, one["train_seconds"], one["eval_seconds"])


def _log(record: Record, seed: str) -> dict[str, Any]:
    """What the log that counts for a seed says; digits as printed."""
    run, score = record.counted.get(seed), record.score_of(seed)
    log = run.log if run else None
    trained, quantized = (measures.trained_bpb(log), measures.quantized_bpb(log)) if log else (None, None)
    claimed = None if record.runs else record.scores[seed]
    bpb = score.bpb if score else claimed
    return {
        "log": run.path if run else None,
        "metric": score.name if score else None,
        "bpb": None if bpb is None else str(bpb),
        "trained": None if trained is None else str(trained),
        "quantized": None if quantized is None else str(quantized),
        "steps": log.steps if log else None,
        "train_seconds": log.train_seconds if log else None,
        "eval_seconds": measures.eval_seconds(record, run) if run else None,
        "model_bytes": log.model_bytes if log else None,
        "code_bytes": log.code_bytes if log else None,
        "raw_code_bytes": log.raw_code_bytes if log else None,
        "total_bytes": log.total_bytes if log else None,
    }


def _claims(record: Record) -> Iterator[str]:
    claims, scores = record.claims, [float(score) for score in record.measured]
    short = summary(scores) if scores else None
    yield "| | claimed | logs |"
    yield "|---|---|---|"
    yield _row("mean bpb", claims.headline, f"{short.mean:.8f}" if short else None)
    std = f"{short.std:.8f} (n − 1)" if short and short.std is not None else None
    yield _row("standard deviation", claims.std, std)
    yield _row("seeds", claims.count, record.seeds_seen if record.runs else None)
    for seed, score in claims.scores.items():
        measured = record.scores.get(seed) if record.runs else None
        yield _row(f"seed {seed}", score, measured)


def _bytes(record: Record) -> dict[str, int | None]:
    raw = worst(measures.raw_sizes(record))
    shipped = worst({seed: run.log.total_bytes for seed, run in record.counted.items()})
    return {
        "raw": int(raw[1]) if raw else None,
        "shipped": int(shipped[1]) if shipped else None,
        "claimed": record.claims.total_bytes,
        "limit": LIMIT_BYTES,
    }


def _byte_table(record: Record) -> Iterator[str]:
    names = {
        "raw": "model + code as written",
        "shipped": "as shipped (logs)",
        "claimed": "as claimed",
    }
    sizes = _bytes(record)
    yield f"| worst seed | bytes | left of {LIMIT_BYTES:,} |"
    yield "|---|---|---|"
    for name, words in names.items():
        size = sizes[name]
        yield _row(words, None if size is None else f"{size:,}", None if size is None else f"{LIMIT_BYTES - size:,}")


def _clock_table(record: Record, findings: Sequence[Finding]) -> Iterator[str]:
    clocks = content_of(record, findings)["clocks"]
    if not clocks:
        yield "No log prints a clock."
        return
    yield f"| clock | worst seed, s | over {LIMIT_SECONDS:g} s |"
    yield "|---|---|---|"
    for name, seconds in clocks.items():
        over = "yes" if seconds > LIMIT_SECONDS else "no"
        yield _row(name, f"{seconds:.3f}", over if measures.has_limit(name) else None)


def _tests(record: Record) -> dict[str, TestResult]:
    """One-sample tests against the baseline that is claimed, which is taken as exact: margin 0, and the challenge's
    0.005 nats per token in this set's own bits per byte."""
    margins = {"margin 0": 0.0}
    if (unit := measures.bpb_per_nat(record)) is not None:
        margins["margin 0.005 nats per token"] = MARGIN_NATS * unit
    tests = {name: baseline_test(record, margin) for name, margin in margins.items()}
    return {name: test for name, test in tests.items() if test is not None}


def _statistics(record: Record) -> Iterator[str]:
    scores = [float(score) for score in record.measured]
    if len(scores) < 2:
        yield f"{len(scores)} seed{'' if len(scores) == 1 else 's'} with a score from a log: no spread, no test."
        return
    short = summary(scores)
    assert short.ci95 is not None
    yield f"- Mean {short.mean:.6f}, 95 % t interval {short.ci95[0]:.6f} to {short.ci95[1]:.6f}, n = {short.n}."
    tests = _tests(record)
    if not tests:
        yield "- It names no baseline score, so nothing can be tested."
    for name, test in tests.items():
        yield (
            f"- Against {record.claims.baseline}, {name}: t = {test.statistic:.2f}, df {test.df:g}, one-sided "
            f"p = {test.p_value:.4f} (one-sample: the baseline's own noise is left out)."
        )


def _plain(test: TestResult) -> dict[str, Any]:
    finite = abs(test.statistic) != float("inf")
    return {
        "statistic": test.statistic if finite else None,
        "df": test.df,
        "p_value": test.p_value,
        "difference": test.difference,
    }


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "None."
    for finding in findings:
        note = " (a note)" if finding.code in REMARKS | LET_PASS["accepted"] else ""
        yield f"- `{finding.code}`{note}: {_cell(finding.detail)}"


def _row(*values: Any) -> str:
    return "| " + " | ".join("–" if value is None else _cell(str(value)) for value in values) + " |"


def _cell(text: str) -> str:
    """Text of others as Markdown shows it: no table, tag or line of its own."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
