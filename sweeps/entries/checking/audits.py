"""Checking the audits of an entry: their jobs, their certificates, and what the entry says that they found."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from golf.audit.stored import find_contradictions
from golf.errors import shown
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.stages.audit import AUDIT
from jobs.stages.quantize import QUANTIZE
from jobs.store import EntryRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.entries.audits import KEPT_OUTPUTS, entry_findings
from sweeps.entries.checking.mismatch import Mismatch, find_job, say_no_job
from sweeps.entries.form import RESUMED, audits_of
from sweeps.entries.lost import LostKind

CERTIFICATES = 10_000
"""Certificates whose outcome stays in memory, by digest: another content has another one."""
Outcomes = Mapping[str | None, Mapping[str, Any]]
"""What audits came to: under None that of an entry, of the short ones under their seeds."""
JobCheck = Callable[[EntryRecord, str | None, Mapping[str, JobRecord]], Iterator[str]]
"""Checks the job of one of an entry's audits; each line goes on from "its"."""


def check_audits(
    entry: EntryRecord, runs: Sequence[Evaluation], place: Workplace, jobs: Mapping[str, JobRecord]
) -> Iterator[Mismatch]:
    """Check the audits of an entry: its certificates, and that every seed carries the findings of all of them."""
    checked = yield from check_certificates(entry, runs, place, jobs, _check_job)
    if checked is not None:
        outcomes, source = checked
        yield from (Mismatch(line=line) for line in _compare_findings(outcomes, source, runs))


def check_certificates(
    entry: EntryRecord,
    runs: Sequence[Evaluation],
    place: Workplace,
    jobs: Mapping[str, JobRecord],
    check_job: JobCheck,
) -> Generator[Mismatch, None, tuple[Outcomes, str] | None]:
    """Check the certificates of an entry.

    Each must be of the entry's artifacts and settings, follow from its own probes, and say what the entry says that its
    audit found.

    Returns:
        What the audits came to, and where that was read; None where there is none, or one cannot be relied on.
    """
    stored, evidence = _outcomes_of(entry), audits_of(entry)
    if stored.keys() != evidence.keys():
        yield Mismatch(line="it has a certificate without an audit's outcome, or an outcome without a certificate")
    if None not in evidence and any(run.audited for run in runs):
        yield Mismatch(line="it says that it is audited, without a certificate")
    if None not in evidence or stored.keys() != evidence.keys():
        return None
    outcomes, source = dict(stored), "certificate"
    for seed in evidence:
        its = "its" if seed is None else f"seed {seed}: its"
        yield from (Mismatch(line=f"{its} {line}") for line in check_job(entry, seed, jobs))
        try:
            certificate, contradictions = _examine(place.files, evidence[seed]["certificate"])
        except Unreadable as error:
            yield Mismatch(line=f"{its} certificate cannot be read: {error}", lost=LostKind.CERTIFICATE)
            job = jobs.get(evidence[seed]["job"])
            outcome, source = (None if job is None else job.outputs), "audit job"
        except ValueError as error:
            yield Mismatch(line=f"{its} certificate cannot be read: {error}")
            return None
        else:
            yield from (Mismatch(line=f"{its} certificate {line}") for line in contradictions)
            if contradictions:
                return None
            outcome = certificate
        if outcome is None:
            return None
        for name in KEPT_OUTPUTS:
            if (value := outcome.get(name, stored[seed][name])) != stored[seed][name]:
                yield Mismatch(
                    line=f"{its} {source} says {name}: {shown(value)}, the entry says {shown(stored[seed][name])}"
                )
        outcomes[seed] = {**stored[seed], **outcome}
    yield from (Mismatch(line=line) for line in _compare_artifacts(evidence, runs, jobs))
    return outcomes, source


@lru_cache(maxsize=CERTIFICATES)
def _examine(files: FileStore, digest: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """A certificate without its probes, and what it says that does not follow from them.

    Raises:
        Unreadable: the file store has lost it.
        ValueError: it is no JSON.
    """
    certificate = json.loads(files.get(digest))
    contradictions = tuple(find_contradictions(certificate))
    kept = certificate.items() if isinstance(certificate, Mapping) else ()
    return {name: value for name, value in kept if name != "probes"}, contradictions


def _outcomes_of(entry: EntryRecord) -> dict[str | None, Mapping[str, Any]]:
    """What an entry says of its audits: under None of its own, of the short ones under their seeds."""
    audit, further = entry.content["audit"], entry.content.get("seed_audits", {})
    return {**({} if audit is None else {None: audit}), **further}


def _compare_findings(outcomes: Outcomes, source: str, runs: Sequence[Evaluation]) -> Iterator[str]:
    """The findings of every seed must be those of all audits."""
    further = {seed: outcome for seed, outcome in outcomes.items() if seed is not None}
    findings = entry_findings(outcomes[None], further)
    for run in runs:
        if tuple(finding for finding in run.findings if finding != RESUMED) != findings:
            codes = ", ".join(finding.code for finding in findings) or "none"
            yield f"seed {run.seed}: its findings are not those of its {source}: {codes}"


def _compare_artifacts(
    evidence: Mapping[str | None, Mapping[str, Any]], runs: Sequence[Evaluation], jobs: Mapping[str, JobRecord]
) -> Iterator[str]:
    """A seed may say that its artifact was audited only where an audit read it."""
    audited = [find_job(audit["job"], AUDIT.name, jobs) for audit in evidence.values()]
    if None in audited:  # which is a line already
        return
    artifacts = {job.order.job.inputs.get("artifact") for job in audited if job is not None}
    for run in runs:
        if run.own_audit is None or run.own_audit == (run.artifact in artifacts):
            continue
        says, read = ("is", "no") if run.own_audit else ("is not", "an")
        yield f"seed {run.seed}: it says that its artifact {says} audited, and {read} audit read it"


def _check_job(entry: EntryRecord, seed: str | None, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """The job of an audit must have judged the entry's settings and artifacts; each line goes on from "its"."""
    evidence = audits_of(entry)[seed]
    job = find_job(evidence["job"], AUDIT.name, jobs)
    if job is None:
        yield f"its audit job is missing: {say_no_job(AUDIT.name, evidence['job'])}"
        return
    if job.order.job.settings["eval"] != entry.content["settings"]["eval"]:
        yield "audit judged other settings than the entry's"
    seeds = entry.evidence["seeds"] if seed is None else {seed: entry.evidence["seeds"].get(seed, {"jobs": {}})}
    keys = [stages["jobs"].get(QUANTIZE.name, "") for stages in seeds.values()]
    makers = [made for key in keys if (made := jobs.get(key)) is not None]
    artifacts = {(made.outputs or {}).get("artifact") for made in makers}
    if None not in artifacts and job.order.job.inputs["artifact"] not in artifacts:  # None while one is made again
        yield "audit judged another artifact than the entry's"
    yield from check_audit_evidence(job, evidence, entry)


def check_audit_evidence(job: JobRecord, evidence: Mapping[str, Any], entry: EntryRecord) -> Iterator[str]:
    """An audit's certificate must be the one that its job made, as must its version; each line goes on from "its"."""
    if entry.evidence["arithmetic"].get(AUDIT.name) != job.order.job.arithmetic:
        yield f"audit has version {job.order.job.arithmetic}, the entry says another"
    made_certificate = (job.outputs or {}).get("certificate")
    if made_certificate is not None and made_certificate != evidence["certificate"]:
        yield f"audit made certificate {made_certificate[:12]}, the entry has {evidence['certificate'][:12]}"
