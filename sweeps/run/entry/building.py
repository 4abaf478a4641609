"""Building an entry of the leaderboard from the finished jobs of its seeds."""

from collections.abc import Sequence
from typing import Any

from jobs.files import FileStore
from jobs.store import EntryRecord, JobRecord, Store
from sweeps.driver.sweep import Sweep
from sweeps.entries import form
from sweeps.run.entry.measured import EntrySources, Measured
from sweeps.run.entry.native import NativeEvaluations
from sweeps.run.entry.script import ScriptEvaluations
from sweeps.spec.script.kind import ScriptKind


def build_entry(sweep: Sweep, store: Store, files: FileStore, sources: EntrySources) -> EntryRecord:
    """One entry from its finished seeds and its audits, if they have finished."""
    chains, audit, further = sources.chains, sources.audit, sources.further
    jobs = [job for chain in chains for job in chain.jobs.values()]
    measured = Measured.of(sweep, store, files, sources, {job.key: store.attempts(job.key) for job in jobs})
    is_script = isinstance(sweep.spec.kind, ScriptKind)
    kind = ScriptEvaluations(measured) if is_script else NativeEvaluations(measured)
    evaluations = [kind.evaluation(chain) for chain in chains]
    content = {
        "evaluations": form.evaluations_to_json(evaluations),
        "settings": chains[0].measurement.recipe.settings(),
        "audit": measured.audit,
        **({"seed_audits": measured.seed_audits} if measured.seed_audits else {}),
    }
    evidence: dict[str, Any] = {
        "seeds": {str(chain.measurement.seed): kind.evidence(chain) for chain in chains},
        "audit": None if audit is None else _audit_evidence(audit),
        "arithmetic": _arithmetic([*jobs, *sources.audits]),
        "code": {
            "commits": sorted({commit for run in evaluations for commit in run.code}, key=str),
            "script": kind.script_digest,
        },
    }
    if sources.seed_audits:
        evidence["seed_audits"] = {str(seed): _audit_evidence(job) for seed, job in sources.seed_audits.items()}
    if further:
        keys = {str(chain.measurement.seed): {stage: job.key for stage, job in chain.jobs.items()} for chain in further}
        evidence["trained_only"] = keys
    return EntryRecord(
        sweep=sweep.spec.name, name=sources.name, position=sources.position, content=content, evidence=evidence
    )


def _audit_evidence(audit: JobRecord) -> dict[str, Any]:
    return {"job": audit.key, "certificate": (audit.outputs or {})["certificate"]}


def _arithmetic(jobs: Sequence[JobRecord]) -> dict[str, int]:
    """Version of each stage's arithmetic; all jobs of a stage have that of the code that ordered them."""
    return {job.order.job.stage: job.order.job.arithmetic for job in jobs}
