"""Checking entries against what they rest on: jobs, score tables and certificates are read and summed up once more.

An entry is a row of a database, which anybody with access can write. So nothing of it is believed that can be
recomputed: the leaderboard holds every entry against its evidence before it ranks it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from golf.audit.stored import find_contradictions
from golf.errors import InputError
from jobs.errors import Unreadable
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.store import EntryRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import EVIDENCE_CODE, RuleFinding
from sweeps.entries.audits import audit_findings, read_certificate
from sweeps.entries.form import RESUMED, evaluations_of
from sweeps.entries.lost import Lost, LostKind
from sweeps.entries.mismatch import Mismatch, job_of, no_job
from sweeps.entries.script_checking import check_script, is_script_entry
from sweeps.entries.tables import read_scores

ROUNDING = 1e-9
"""Relative difference of sums of the same numbers in another order."""
KEYS_AT_ONCE = 5_000
"""Keys in one query; databases limit them."""
STAGES = (TRAIN.name, QUANTIZE.name, EVALUATE.name)
"""Stages of which every seed of an entry has a job."""
INPUTS = {QUANTIZE.name: "weights", EVALUATE.name: "artifact"}
"""Stage → its input that an earlier job of the same seed made."""


def verify_entry(entry: EntryRecord, place: Workplace) -> list[Mismatch]:
    """Recompute what an entry says from its evidence.

    Returns:
        One for each mismatch: of a job's key, settings or outputs, of a score against its table of documents, of
        findings against the certificate, of a certificate against itself. Empty where everything agrees.
    """
    return [*_check(entry, place, _read_jobs([entry], place))]


def judge_evidence(entries: Sequence[EntryRecord], place: Workplace, lost: Lost) -> dict[tuple[str, str], RuleFinding]:
    """Findings on entries that contradict their evidence, by sweep and name: each is off its track.

    Where a content is lost, which a run makes again, the outcome of the job that made it stands in for it.

    Args:
        entries: of any sweeps.
        place: the home that holds them.
        lost: is told what could not be read.
    """
    jobs = _read_jobs(entries, place)
    findings: dict[tuple[str, str], RuleFinding] = {}
    for entry in entries:
        mismatches = [*_check(entry, place, jobs)]
        if lines := [mismatch.line for mismatch in mismatches if mismatch.lost is None]:
            findings[entry.sweep, entry.name] = _summarize(lines)
        for kind in dict.fromkeys(mismatch.lost for mismatch in mismatches):
            if kind is not None:
                lost.note(kind, f"{entry.sweep}/{entry.name}")
    return findings


def _summarize(lines: Sequence[str]) -> RuleFinding:
    more = f" (and {len(lines) - 1} more; golfsweep show SWEEP/ENTRY lists all)" if len(lines) > 1 else ""
    return RuleFinding(code=EVIDENCE_CODE, detail=f"its evidence contradicts it: {lines[0]}{more}")


def _read_jobs(entries: Iterable[EntryRecord], place: Workplace) -> dict[str, JobRecord]:
    """All jobs that entries rest on, by key."""
    keys = {key for entry in entries for seed in entry.evidence["seeds"].values() for key in seed["jobs"].values()}
    keys |= {entry.evidence["audit"]["job"] for entry in entries if entry.evidence["audit"] is not None}
    wanted = sorted(keys)
    parts = (wanted[first : first + KEYS_AT_ONCE] for first in range(0, len(wanted), KEYS_AT_ONCE))
    return {job.key: job for part in parts for job in place.store.jobs(keys=part)}


def _check(entry: EntryRecord, place: Workplace, jobs: Mapping[str, JobRecord]) -> Iterator[Mismatch]:
    runs = evaluations_of(entry)
    seeds = sorted(str(run.seed) for run in runs)
    if seeds != sorted(entry.evidence["seeds"]):
        yield Mismatch(line=f"it has evaluations of seeds {', '.join(seeds)}, and evidence of others")
        return
    if is_script_entry(entry):
        yield from check_script(entry, runs, place, jobs)
        return
    for run in runs:
        yield from (Mismatch(line=f"seed {run.seed}: {line}") for line in _check_jobs(run, entry, jobs))
        yield from _check_scores(run, entry.evidence["seeds"][str(run.seed)], place, jobs)
    yield from _check_audit(entry, runs, place, jobs)


def _check_jobs(run: Evaluation, entry: EntryRecord, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """Jobs must have the keys that their settings give, rest on each other, and have given what the entry says."""
    evidence = entry.evidence["seeds"][str(run.seed)]
    outputs: dict[str, Any] = {}
    for stage in dict.fromkeys((*STAGES, *evidence["jobs"])):
        key = evidence["jobs"].get(stage, "")
        job = job_of(key, stage, jobs)
        if job is None:
            yield no_job(stage, key)
            continue
        outputs |= {name: value for name, value in (job.outputs or {}).items() if name != "clocks"}
        if job.order.job.seed != run.seed:
            yield f"its {stage} job has seed {job.order.job.seed}"
        name = INPUTS.get(stage, "")
        if name in outputs and job.order.job.inputs[name] != outputs[name]:
            yield f"its {stage} job read {name} {job.order.job.inputs[name][:12]}, not {outputs[name][:12]}"
        if stage == EVALUATE.name:
            if job.order.job.settings["eval"] != entry.content["settings"]["eval"]:
                yield "its eval job has other settings than the entry"
            if job.order.job.inputs["tokens"] != run.text.data:
                yield f"its eval job read tokens {job.order.job.inputs['tokens'][:12]}, not {run.text.data[:12]}"
    for name in ("weights", "artifact", "scores"):  # metrics differ whenever a training is done again
        if name in outputs and outputs[name] != evidence[name]:
            yield f"its job made {name} {outputs[name][:12]}, the entry has {evidence[name][:12]}"
        elif name != "scores" and getattr(run, name) not in (None, evidence[name]):
            yield f"it shows {name} {getattr(run, name)[:12]}, its evidence has {evidence[name][:12]}"
    size = outputs.get("ledger", {}).get("model_bytes", run.model_bytes)
    if size != run.model_bytes:
        yield f"its artifact has {size} bytes, the entry says {run.model_bytes}"


def _check_scores(
    run: Evaluation, evidence: Mapping[str, Any], place: Workplace, jobs: Mapping[str, JobRecord]
) -> Iterator[Mismatch]:
    """The score must be the sum of its table, which must be that of the evidence."""
    source = "score table"
    try:
        sums = _sum_up(run, place)
    except Unreadable as error:
        yield Mismatch(line=f"seed {run.seed}: its score table cannot be read: {error}", lost=LostKind.SCORES)
        job = jobs.get(evidence["jobs"].get(EVALUATE.name, ""))
        source, sums = "eval job", {} if job is None or job.outputs is None else job.outputs
    except InputError as error:
        yield Mismatch(line=f"seed {run.seed}: its score table cannot be read: {error}")
        return
    if source == "score table" and run.scores != evidence["scores"]:
        yield Mismatch(
            line=f"seed {run.seed}: its scores are {str(run.scores)[:12]}, its evidence has {evidence['scores'][:12]}"
        )
    stated = {"documents": run.text.documents, "tokens": run.text.tokens, "bytes": run.text.bytes, "nll": run.nll}
    for name, value in stated.items():
        if name in sums and (value is None or not math.isclose(value, sums[name], rel_tol=ROUNDING)):
            said = "nothing" if value is None else f"{value:.10g}"
            line = f"its {source} gives {name} {sums[name]:.10g}, the entry says {said}"
            yield Mismatch(line=f"seed {run.seed}: {line}")


def _sum_up(run: Evaluation, place: Workplace) -> Mapping[str, float]:
    """Documents, tokens, bytes and nats of an evaluation's score table."""
    assert run.scores is not None
    table = read_scores(place.files, run.scores)
    sums = {name: math.fsum(table[name]) for name in ("tokens", "bytes", "nll")}
    return {"documents": float(len(table["document"])), **sums}


def _check_audit(
    entry: EntryRecord, runs: Sequence[Evaluation], place: Workplace, jobs: Mapping[str, JobRecord]
) -> Iterator[Mismatch]:
    """The certificate must be of this entry's artifact and settings, follow from its own probes, and say what the entry
    says that its audit found; every seed must carry these findings."""
    audit, evidence = entry.content["audit"], entry.evidence["audit"]
    if evidence is None or audit is None:
        if (evidence is None) != (audit is None):
            yield Mismatch(line="it has a certificate without an audit's outcome, or an outcome without a certificate")
        if any(run.audited for run in runs):
            yield Mismatch(line="it says that it is audited, without a certificate")
        return
    yield from (Mismatch(line=line) for line in _check_audit_job(entry, jobs))
    try:
        certificate = read_certificate(entry, place.files)
        contradictions = find_contradictions(certificate)
    except Unreadable as error:
        yield Mismatch(line=f"its certificate cannot be read: {error}", lost=LostKind.CERTIFICATE)
        job = jobs.get(evidence["job"])
        if job is not None and job.outputs is not None:
            yield from (Mismatch(line=line) for line in _compare_outcome("audit job", audit, job.outputs, runs))
        return
    except ValueError as error:
        yield Mismatch(line=f"its certificate cannot be read: {error}")
        return
    yield from (Mismatch(line=f"its certificate {line}") for line in contradictions)
    if certificate is not None and not contradictions:
        yield from (Mismatch(line=line) for line in _compare_outcome("certificate", audit, certificate, runs))


def _compare_outcome(
    source: str, audit: Mapping[str, Any], outcome: Mapping[str, Any], runs: Sequence[Evaluation]
) -> Iterator[str]:
    """What an entry says of its audit's outcome must be that of a source, and so must the findings of every seed."""
    for name in ("passed", "judged", "overlap"):
        if audit[name] != outcome.get(name, audit[name]):
            yield f"its {source} says {name}: {outcome[name]}, the entry says {audit[name]}"
    findings = audit_findings({**audit, **outcome})
    for run in runs:
        if tuple(finding for finding in run.findings if finding != RESUMED) != findings:
            codes = ", ".join(finding.code for finding in findings) or "none"
            yield f"seed {run.seed}: its findings are not those of its {source}: {codes}"


def _check_audit_job(entry: EntryRecord, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    evidence = entry.evidence["audit"]
    job = job_of(evidence["job"], AUDIT.name, jobs)
    if job is None:
        yield no_job(AUDIT.name, evidence["job"])
        return
    if job.order.job.settings["eval"] != entry.content["settings"]["eval"]:
        yield "its audit judged other settings than the entry's"
    seeds = [seed["jobs"] for seed in entry.evidence["seeds"].values()]
    makers = [made for stages in seeds if (made := jobs.get(stages.get(QUANTIZE.name, ""))) is not None]
    artifacts = {(made.outputs or {}).get("artifact") for made in makers}
    if None not in artifacts and job.order.job.inputs["artifact"] not in artifacts:  # None while one is made again
        yield "its audit judged another artifact than the entry's"
    made = (job.outputs or {}).get("certificate")
    if made is not None and made != evidence["certificate"]:
        yield f"its audit made certificate {made[:12]}, the entry has {evidence['certificate'][:12]}"
