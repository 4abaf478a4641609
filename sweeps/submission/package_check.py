"""What a package of golfsweep holds besides a record: its certificate, and p-values that its scores give again."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from golf.audit.certificate import MADE_UP_TEXT
from golf.audit.stored import find_contradictions
from golf.errors import shown, shown_name
from sweeps.board.rules import LEAKS, RuleFinding
from sweeps.records.judging.measures import CheckResults
from sweeps.records.reading.files import UnreadableFile, printable, read_json
from sweeps.records.record import Record
from sweeps.statistics import moments, published, welch
from sweeps.submission.submission import HOLM, SEED_TEST

CERTIFICATE = "certificate.json"
SAME_P = 0.01
"""Share by which the rounding of printed scores may change a p-value."""


def judge_package(folder: Path, record: Record) -> tuple[RuleFinding, ...]:
    """Find what a package's certificate and p-values do not bear out; nothing in a folder without them."""
    results = [*_check_certificate(folder), *_check_tests(record)]
    return tuple(RuleFinding(code=code, detail=printable(detail)) for code, detail in results)


def _check_certificate(folder: Path) -> CheckResults:
    path = folder / CERTIFICATE
    if not path.exists():
        return
    try:
        # Numbers with a fraction are read as decimals, which probes are not computed with.
        content = json.loads(json.dumps(read_json(path, []), default=float))
    except UnreadableFile as error:
        yield "certificate", f"{CERTIFICATE}: {error}"
        return
    contradictions = find_contradictions(content)
    for line in contradictions:
        yield "certificate", f"{CERTIFICATE} {line}"
    if not contradictions and content["probes"]["documents"].get("text") == MADE_UP_TEXT:
        yield "certificate", f"{CERTIFICATE}: judged on made-up text only, so how it scores text is unknown"
    if contradictions or content["passed"]:
        return
    if not content["judged"]:
        yield "certificate", f"{CERTIFICATE}: its audit could probe too little to judge it"
    for finding in content["findings"]:
        condition = str(finding["condition"])
        detail = f"{CERTIFICATE}: {condition}: {finding.get('detail')}"
        yield condition if condition in LEAKS else "certificate", detail


def _check_tests(record: Record) -> CheckResults:
    """Tests across seeds must give their p-values again, from the scores of the logs."""
    tests = (record.folder.submission or {}).get("tests")
    scores = [float(score) for score in record.measured]
    if not isinstance(tests, list) or len(scores) < 2:
        return
    for test in tests:
        if isinstance(test, Mapping) and str(test.get("test")).startswith(SEED_TEST):
            yield from _check_p(test, scores)


def _check_p(test: Mapping[str, Any], scores: list[float]) -> Iterator[tuple[str, str]]:
    name, against = (shown_name(str(test.get(key))) for key in ("test", "against"))
    try:
        mean, std, margin, claimed = (
            float(test[key]) for key in ("against_val_bpb", "against_val_bpb_std", "margin_bpb", "p_value")
        )
        other = published(mean, std, int(test["against_seeds"]))
        p = welch(moments(scores), other, margin).p_value
    except (ArithmeticError, KeyError, TypeError, ValueError):
        yield "unsupported-p", f"{name}: p = {shown(test.get('p_value'))}: it lacks numbers to compute it again"
        return
    corrected = HOLM in str(test["test"])
    if claimed < p * (1 - SAME_P) or not (corrected or math.isclose(claimed, p, rel_tol=SAME_P)):
        least = "at least " if corrected else ""
        yield "unsupported-p", f"{name}, against {against}: p = {claimed:.4g}; the logs give {least}{p:.4g}"
