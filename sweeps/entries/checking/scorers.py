"""Checking the audits of a script's own scorer: their jobs, their certificates, and the findings that follow."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.stages.audit import AUDIT
from jobs.stages.script import PREFIX
from jobs.stages.script_audit import is_script_audit
from jobs.store import EntryRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import RuleFinding
from sweeps.entries.audits import NOT_AUDITED
from sweeps.entries.checking.audits import Outcomes, check_audit_evidence, check_certificates
from sweeps.entries.checking.mismatch import Mismatch, find_job, say_no_job
from sweeps.entries.form import audits_of
from sweeps.entries.forms.scorer_form import scorer_findings
from sweeps.entries.script_form import UNAUDITED


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerVerdicts:
    """What the audits of an entry's scorer came to."""

    outcomes: Outcomes
    """Empty where there are none."""
    by_seed: Mapping[int, Mapping[str, Any]]
    """The same by the seed whose artifact was read."""
    place: Workplace

    def expected(self, run: Evaluation, scored: Mapping[str, Any]) -> list[tuple[RuleFinding, ...]]:
        """What the findings of a seed's audit may be, by the outputs of its scored stage."""
        if not self.outcomes:
            return [(UNAUDITED,), (NOT_AUDITED,)]
        further = {seed: outcome for seed, outcome in self.outcomes.items() if seed is not None}
        own = self.by_seed.get(run.seed)
        return [scorer_findings(self.outcomes[None], further, own, scored, self.place.files)]


def check_scorer(
    entry: EntryRecord, runs: Sequence[Evaluation], place: Workplace, jobs: Mapping[str, JobRecord]
) -> Generator[Mismatch, None, ScorerVerdicts | None]:
    """Check the audits of a script's scorer.

    Returns:
        What they came to; None where one of them cannot be relied on.
    """
    evidence = audits_of(entry)
    if not evidence:
        if entry.content["audit"] is not None or any(run.audited for run in runs):
            yield Mismatch(line="it says that it is audited, and a script's metric line cannot be")
        return ScorerVerdicts(outcomes={}, by_seed={}, place=place)
    checked = yield from check_certificates(entry, runs, place, jobs, _check_job)
    if checked is None:
        return None
    outcomes, _ = checked
    audits = {seed: jobs.get(audit["job"]) for seed, audit in evidence.items()}
    by_seed = {job.order.job.seed: outcomes[seed] for seed, job in audits.items() if job is not None}
    for outcome in by_seed.values():
        if "rescored" not in outcome:
            yield Mismatch(line="its certificate does not say what its scorer gave validation documents")
            return None
    return ScorerVerdicts(outcomes=outcomes, by_seed=by_seed, place=place)


def _check_job(entry: EntryRecord, seed: str | None, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """The job of an audit must have judged the script, settings, data and artifact of the seed; see `JobCheck`."""
    evidence = audits_of(entry)[seed]
    record = find_job(evidence["job"], AUDIT.name, jobs)
    if record is None or not is_script_audit(record.order.job):
        yield f"its audit job is missing: {say_no_job(AUDIT.name, evidence['job'])}"
        return
    job = record.order.job
    own = entry.evidence["seeds"].get(str(job.seed), {"jobs": {}})
    if seed not in (None, str(job.seed)) or own.get("artifact") != job.inputs["artifact"]:
        yield "audit judged another artifact than the entry's"
    scored = jobs.get(own["jobs"].get(own.get("scored"), ""))
    if own.get("scored") != PREFIX + job.settings["scored"] or scored is None:
        yield "audit judged another stage than the one that is scored"
        return
    if job.settings["env"] != scored.order.job.settings["env"]:
        yield "audit judged another environment than the entry's"
    for name in ("script", "tokens", *(name for name in job.inputs if name.startswith("file:"))):
        if job.inputs[name] != scored.order.job.inputs.get(name):
            yield f"audit judged other contents of {name} than the entry's"
    texts = {run["text"]["data"] for run in entry.content["evaluations"]}
    if texts != {job.inputs["validation"]}:
        yield "audit judged another validation set than the entry's"
    yield from check_audit_evidence(record, evidence, entry)
