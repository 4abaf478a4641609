"""Checking an entry against what it rests on: jobs, score tables and certificate are read and summed up once more."""

import math
from collections.abc import Iterator
from typing import Any

from golf.errors import InputError
from jobs.store import EntryRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.entries.audits import audit_findings, read_certificate
from sweeps.entries.form import RESUMED, evaluations_of
from sweeps.entries.reading import read_scores

ROUNDING = 1e-9
"""Relative difference of sums of the same numbers in another order."""


def verify_entry(entry: EntryRecord, place: Workplace) -> list[str]:
    """Recompute what an entry says from its evidence.

    Returns:
        One line for each mismatch: of a job's key or outputs, of a score against its table of documents, of findings
        against the certificate. Empty where everything agrees.
    """
    return [*_check_jobs(entry, place), *_check_scores(entry, place), *_check_audit(entry, place)]


def _check_jobs(entry: EntryRecord, place: Workplace) -> Iterator[str]:
    """Jobs must have the keys that their settings give, and the outputs that the entry names."""
    for seed, evidence in entry.evidence["seeds"].items():
        outputs: dict[str, Any] = {}
        for stage, key in evidence["jobs"].items():
            job = place.store.job(key)
            if job is None or job.order.job.key != key:
                yield f"seed {seed}: the store has no {stage} job {key[:12]} whose settings give that key"
                continue
            outputs |= job.outputs or {}
        for name in ("weights", "artifact", "scores"):  # metrics differ whenever a training is done again
            if name in outputs and outputs[name] != evidence[name]:
                yield f"seed {seed}: its job made {name} {outputs[name][:12]}, the entry has {evidence[name][:12]}"


def _check_scores(entry: EntryRecord, place: Workplace) -> Iterator[str]:
    for run in evaluations_of(entry):
        try:
            sums = _sum_up(run, place)
        except InputError as error:
            yield f"seed {run.seed}: its score table cannot be read: {error}"
            continue
        stated = {"documents": run.text.documents, "tokens": run.text.tokens, "bytes": run.text.bytes, "nll": run.nll}
        for name, value in stated.items():
            if not math.isclose(value, sums[name], rel_tol=ROUNDING):
                yield f"seed {run.seed}: its score table gives {name} {sums[name]:.10g}, the entry says {value:.10g}"


def _sum_up(run: Evaluation, place: Workplace) -> dict[str, float]:
    """Documents, tokens, bytes and nats of an evaluation's score table."""
    assert run.scores is not None
    table = read_scores(place.files, run.scores)
    sums = {name: math.fsum(table[name]) for name in ("tokens", "bytes", "nll")}
    return {"documents": float(len(table["document"])), **sums}


def _check_audit(entry: EntryRecord, place: Workplace) -> Iterator[str]:
    """The certificate must say what the entry says that its audit found, and every seed must carry these findings."""
    audit = entry.content["audit"]
    try:
        certificate = read_certificate(entry, place.files)
    except InputError as error:
        yield f"its certificate cannot be read: {error}"
        return
    if certificate is None or audit is None:
        if (certificate is None) != (audit is None):
            yield "it has a certificate without an audit's outcome, or an outcome without a certificate"
        return
    for name in ("passed", "judged"):
        if audit[name] != certificate[name]:
            yield f"its certificate says {name}: {certificate[name]}, the entry says {audit[name]}"
    findings = audit_findings({**audit, "findings": certificate["findings"], "judged": certificate["judged"]})
    for run in evaluations_of(entry):
        if tuple(finding for finding in run.findings if finding != RESUMED) != findings:
            codes = ", ".join(finding.code for finding in findings) or "none"
            yield f"seed {run.seed}: its findings are not those of its certificate: {codes}"
