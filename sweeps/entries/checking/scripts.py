"""Checking an entry of a script against its jobs, its artifact and the logs that its scores were read from."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golf.errors import InputError
from jobs.errors import Unreadable
from jobs.logs.live import OUTPUT, LiveLog
from jobs.scripts.run import LAST_SCORE
from jobs.stages.script import is_script_stage
from jobs.stages.stage import title_of
from jobs.store import EntryRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.entries.checking.code_size import check_script_code
from sweeps.entries.checking.mismatch import Mismatch, find_job, say_no_job
from sweeps.entries.checking.recomputed import Sources, compare_evidence, compare_fields
from sweeps.entries.checking.scorers import ScorerVerdicts, check_scorer
from sweeps.entries.form import digest_settings
from sweeps.entries.lost import LostKind
from sweeps.entries.script_form import script_findings, seed_evidence
from sweeps.entries.tables import read_scores

ROUNDING = 1e-9
"""Relative difference of sums of the same numbers in another order."""


def is_script_entry(entry: EntryRecord) -> bool:
    """Whether an entry is of a script."""
    return any(is_script_stage(stage) for seed in entry.evidence["seeds"].values() for stage in seed["jobs"])


def check_script(
    entry: EntryRecord, runs: Sequence[Evaluation], place: Workplace, sources: Sources
) -> Iterator[Mismatch]:
    """What of an entry does not follow from its jobs and from what they printed and left."""
    jobs, sweep = sources.jobs, sources.sweeps.get(entry.sweep)
    settings = digest_settings(entry.content["settings"])
    verdicts = yield from check_scorer(entry, runs, place, jobs)
    for run in runs:
        evidence, chain = entry.evidence["seeds"][str(run.seed)], dict[str, JobRecord]()
        for stage, key in evidence["jobs"].items():
            if (job := find_job(key, stage, jobs)) is None:
                yield Mismatch(line=f"seed {run.seed}: {say_no_job(title_of(stage), key)}")
            else:
                chain[stage] = job
        if evidence.get("scored") not in evidence["jobs"]:
            yield Mismatch(line=f"seed {run.seed}: its evidence does not say which of its jobs is scored")
            continue
        if len(chain) < len(evidence["jobs"]):
            continue
        for check in (_jobs, _numbers, _contents):
            for line in check(run, entry, chain, evidence, place):
                yield line if isinstance(line, Mismatch) else Mismatch(line=f"seed {run.seed}: {line}")
        lines = [*compare_fields(run, entry, chain, sources, settings), *compare_evidence(run, entry, chain, sources)]
        lines += [] if sweep is None else check_script_code(run, entry, sweep)
        yield from (Mismatch(line=f"seed {run.seed}: {line}") for line in lines)
        if verdicts is not None:
            yield from _findings(run, verdicts, chain, evidence["scored"])


def _jobs(
    run: Evaluation, entry: EntryRecord, chain: Mapping[str, JobRecord], evidence: Mapping[str, Any], place: Workplace
) -> Iterator[str]:
    """Jobs must be of this seed, recipe and script, and each use the one before."""
    for stage, record in chain.items():
        job, title = record.order.job, title_of(stage)
        if job.seed != run.seed:
            yield f"its {title} job has seed {job.seed}"
        if job.settings["env"] != entry.content["settings"]["script"][title]["env"]:
            yield f"its {title} job has another environment than the entry"
        if job.machine.processes != entry.content["settings"]["script"][title]["gpus"]:
            yield f"its {title} job had {job.machine.processes} slots, not those of the entry"
        if job.inputs["script"] != entry.evidence["code"]["script"]:
            yield f"its {title} job ran script {job.inputs['script'][:12]}, not {entry.evidence['code']['script'][:12]}"
        for role, source in job.settings["in"].items():
            maker = next((other for name, other in chain.items() if title_of(name) == source), None)
            made = None if maker is None else (maker.outputs or {}).get(role)
            if made is not None and job.inputs[f"in:{role}"] != made:
                yield f"its {title} job read {role} {job.inputs[f'in:{role}'][:12]}, not {made[:12]}"
    tokens = {record.order.job.inputs.get("tokens") for record in chain.values()}
    if len(tokens) > 1:
        yield "its jobs were given different data"


def _numbers(
    run: Evaluation, entry: EntryRecord, chain: Mapping[str, JobRecord], evidence: Mapping[str, Any], place: Workplace
) -> Iterator[str]:
    """Score, size and findings must be those of the jobs."""
    scored = chain[evidence["scored"]]
    metric = (scored.outputs or {}).get("metric") or {}
    if metric.get("value") != run.score:
        yield f"its {title_of(evidence['scored'])} job printed {metric.get('value')}, the entry says {run.score}"
    expected = seed_evidence(chain, evidence["scored"])
    for name in ("artifact", "artifact_bytes", "weights", "scores"):  # logs differ whenever a run is done again
        if expected.get(name) != evidence.get(name):
            yield f"its jobs made {name} {str(expected.get(name))[:12]}, the entry has {str(evidence.get(name))[:12]}"
    shown = {"artifact": run.artifact, "artifact_bytes": run.model_bytes, "weights": run.weights, "scores": run.scores}
    for name, value in shown.items():
        if value != evidence.get(name):
            yield f"it shows {name} {str(value)[:12]}, its evidence has {str(evidence.get(name))[:12]}"


def _findings(
    run: Evaluation, verdicts: ScorerVerdicts, chain: Mapping[str, JobRecord], scored: str
) -> Iterator[Mismatch]:
    """Findings must be those of the jobs and of the audits."""
    made = [record.outputs or {} for record in chain.values()]
    if all(
        run.findings != script_findings(made, audit) for audit in verdicts.expected(run, chain[scored].outputs or {})
    ):
        yield Mismatch(line=f"seed {run.seed}: its findings are not those of its jobs")


def _contents(
    run: Evaluation, entry: EntryRecord, chain: Mapping[str, JobRecord], evidence: Mapping[str, Any], place: Workplace
) -> Iterator[str | Mismatch]:
    """The log must give the score, the artifact have its size, and the table of documents its sums."""
    seed = f"seed {run.seed}: "
    try:
        if (log := evidence.get("log")) is not None:
            printed = _read_metric(place.files.get(log), chain[evidence["scored"]].order.job.settings["metric"])
            if printed and run.score not in printed:
                yield f"its log says {printed[-1]}, the entry says {run.score}"
    except Unreadable as error:
        yield Mismatch(line=f"{seed}its log cannot be read: {error}", lost=LostKind.LOG)
    artifact = evidence.get("artifact")
    if artifact is not None and place.files.has(artifact):
        size = place.files.size(artifact)
        if size != run.model_bytes:
            yield f"its artifact has {size} bytes, the entry says {run.model_bytes}"
    if run.scores is None:
        return
    try:
        table = read_scores(place.files, run.scores)
    except Unreadable as error:
        yield Mismatch(line=f"{seed}its score table cannot be read: {error}", lost=LostKind.SCORES)
        return
    except InputError as error:
        yield f"its score table cannot be read: {error}"
        return
    sums = {name: math.fsum(table[name]) for name in ("tokens", "bytes", "nll")}
    stated = {"tokens": run.text.tokens, "bytes": run.text.bytes, "nll": run.nll}
    for name, value in stated.items():
        if value is None or not math.isclose(value, sums[name], rel_tol=ROUNDING):
            yield f"its score table gives {name} {sums[name]:.10g}, the entry says {value}"


def _read_metric(log: bytes, metric: str) -> list[float]:
    """Values of a metric in a log; none where only the script's own log file had them."""
    live = LiveLog(None if metric == LAST_SCORE else metric)
    live.feed(OUTPUT, log)
    live.end()
    return [*live.scores().values()] if metric == LAST_SCORE else list(live.metric().values)
