"""The judgment on one record for a review thread: as Markdown, or as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from sweeps.board.margin_rules import MARGIN_RULES, margin_text
from sweeps.board.rules import LIMIT_BYTES, LIMIT_SECONDS, Profile, RuleFinding
from sweeps.records.arithmetic import find_worst
from sweeps.records.entries import to_content, to_entry
from sweeps.records.judging import measures
from sweeps.records.judging.findings import LET_PASS, REMARKS, list_breaches, list_unsupported
from sweeps.records.judging.significance import run_baseline_test
from sweeps.records.record import Record
from sweeps.statistics import TestResult, summary
from sweeps.text.escaping import escape_markdown, escape_markdown_code

PROFILES: tuple[Profile, ...] = ("accepted", "strict")
TITLES = {"accepted": "rules as accepted", "strict": "written rules", "claims": "claims compared with logs"}


def to_json(record: Record, findings: Sequence[RuleFinding]) -> dict[str, Any]:
    """The entry, what each seed's log says, sizes counted three ways, tests, and the verdicts."""
    return {
        "row": to_entry(to_content(record, findings)),
        "protocol": record.stage,
        "metric": record.metric.name if record.metric else None,
        "logs": {seed: _describe_log(record, seed) for seed in record.by_seed},
        "bytes": _count_bytes(record),
        "statistics": {name: _to_plain(test) for name, test in _run_tests(record).items()},
        "verdicts": {
            name: {"passes": not codes, "against": codes} for name, codes in _list_objections(findings).items()
        },
    }


def passes(findings: Sequence[RuleFinding]) -> bool:
    """Whether a record keeps the rules as the organizers apply them, and its files support what it claims."""
    return not list_breaches(findings, "accepted") and not list_unsupported(findings)


def to_markdown(record: Record, findings: Sequence[RuleFinding]) -> str:
    """The judgment as Markdown."""
    parts = [
        [f"# Check of {escape_markdown(record.name)}"],
        list(_list_verdicts(findings)),
        ["## Seeds", "", *_make_seed_table(record)],
        ["## Claims and logs", "", *_make_claim_table(record)],
        ["## Bytes", "", *_make_byte_table(record)],
        ["## Clocks", "", *_make_clock_table(record, findings)],
        ["## Statistics", "", *_list_statistics(record)],
        ["## Findings", "", *_list_findings(findings)],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _list_objections(findings: Sequence[RuleFinding]) -> dict[str, list[str]]:
    """Codes against a record: by each profile of the rules, and among its claims."""
    return {profile: list_breaches(findings, profile) for profile in PROFILES} | {"claims": list_unsupported(findings)}


def _list_verdicts(findings: Sequence[RuleFinding]) -> Iterator[str]:
    for name, codes in _list_objections(findings).items():
        yield f"- **{TITLES[name]}**: {'does not pass: ' + ', '.join(codes) if codes else 'passes'}"
    yield "- A record gives no scorer to audit, so it can never be `legal` here."


def _make_seed_table(record: Record) -> Iterator[str]:
    yield "| seed | log | metric | bpb | before quantization | quantized | steps | train s | eval s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for seed in record.scores:
        log = _describe_log(record, seed)
        names = ("log", "metric", "bpb", "trained", "quantized", "steps", "train_seconds", "eval_seconds")
        yield _make_line(seed, *(log[name] for name in names))


def _describe_log(record: Record, seed: str) -> dict[str, Any]:
    """What the log that counts for a seed says; digits as printed."""
    run, score = record.counted.get(seed), record.score_of(seed)
    log = run.log if run else None
    trained = measures.find_trained_bpb(log) if log else None
    quantized = measures.find_quantized_bpb(log) if log else None
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
        "eval_seconds": measures.measure_eval_seconds(record, run) if run else None,
        "model_bytes": log.model_bytes if log else None,
        "code_bytes": log.code_bytes if log else None,
        "raw_code_bytes": log.raw_code_bytes if log else None,
        "total_bytes": log.total_bytes if log else None,
    }


def _make_claim_table(record: Record) -> Iterator[str]:
    claims, scores = record.claims, [float(score) for score in record.measured]
    measured = summary(scores) if scores else None
    yield "| | claimed | logs |"
    yield "|---|---|---|"
    yield _make_line("mean bpb", claims.headline, f"{measured.mean:.8f}" if measured else None)
    std = f"{measured.std:.8f} (n − 1)" if measured and measured.std is not None else None
    yield _make_line("standard deviation", claims.std, std)
    yield _make_line("seeds", claims.count, record.logged_seeds if record.runs else None)
    for seed, score in claims.scores.items():
        yield _make_line(f"seed {seed}", score, record.scores.get(seed) if record.runs else None)


def _count_bytes(record: Record) -> dict[str, int | None]:
    raw = find_worst(measures.measure_raw_sizes(record))
    shipped = find_worst({seed: run.log.total_bytes for seed, run in record.counted.items()})
    return {
        "raw": int(raw[1]) if raw else None,
        "shipped": int(shipped[1]) if shipped else None,
        "claimed": record.claims.total_bytes,
        "limit": LIMIT_BYTES,
    }


def _make_byte_table(record: Record) -> Iterator[str]:
    titles = {"raw": "model + code as written", "shipped": "as shipped (logs)", "claimed": "as claimed"}
    sizes = _count_bytes(record)
    yield f"| worst seed | bytes | headroom of {LIMIT_BYTES:,} |"
    yield "|---|---|---|"
    for name, title in titles.items():
        size = sizes[name]
        known = (None, None) if size is None else (f"{size:,}", f"{LIMIT_BYTES - size:,}")
        yield _make_line(title, *known)


def _make_clock_table(record: Record, findings: Sequence[RuleFinding]) -> Iterator[str]:
    clocks = to_content(record, findings)["clocks"]
    if not clocks:
        yield "No log prints a clock."
        return
    yield f"| clock | worst seed, s | over {LIMIT_SECONDS:g} s |"
    yield "|---|---|---|"
    for name, seconds in clocks.items():
        over = "yes" if seconds > LIMIT_SECONDS else "no"
        yield _make_line(name, f"{seconds:.3f}", over if measures.has_limit(name) else None)


def _run_tests(record: Record) -> dict[str, TestResult]:
    """One-sample tests against the claimed baseline, taken as exact, with each rule's margin in bits per byte."""
    unit = measures.measure_bpb_per_nat(record)
    tests = {}
    for rule in sorted(MARGIN_RULES.values(), key=lambda rule: rule.margin_nats):
        margin = rule.margin_bpb(unit)
        test = None if margin is None else run_baseline_test(record, margin)
        if test is not None:
            tests[f"margin {margin_text(rule.margin_nats) if rule.margin_nats else '0'}"] = test
    return tests


def _list_statistics(record: Record) -> Iterator[str]:
    scores = [float(score) for score in record.measured]
    if len(scores) < 2:
        yield f"{len(scores)} seed{'' if len(scores) == 1 else 's'} with a score from a log: no spread, no test."
        return
    measured = summary(scores)
    assert measured.ci95 is not None
    low, high = measured.ci95
    yield f"- Mean {measured.mean:.6f}, 95 % t interval {low:.6f} to {high:.6f}, n = {measured.n}."
    tests = _run_tests(record)
    if not tests:
        yield "- It names no baseline score, so nothing can be tested."
    for name, test in tests.items():
        yield (
            f"- Against {record.claims.baseline}, {name}: t = {test.statistic:.2f}, df {test.df:g}, one-sided "
            f"p = {test.p_value:.4f} (one-sample: leaves out the baseline's own noise)."
        )


def _to_plain(test: TestResult) -> dict[str, Any]:
    finite = abs(test.statistic) != float("inf")
    return {
        "statistic": test.statistic if finite else None,
        "df": test.df,
        "p_value": test.p_value,
        "difference": test.difference,
    }


def _list_findings(findings: Sequence[RuleFinding]) -> Iterator[str]:
    if not findings:
        yield "None."
    for finding in findings:
        note = " (a note)" if finding.code in REMARKS | LET_PASS["accepted"] else ""
        yield f"- {escape_markdown_code(finding.code)}{note}: {escape_markdown(finding.detail)}"


def _make_line(*values: Any) -> str:
    return "| " + " | ".join("–" if value is None else escape_markdown(str(value)) for value in values) + " |"
