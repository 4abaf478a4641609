"""What an entry's evaluations must say by its jobs, their attempts and its sweep's record: every field but the score.

A field of `sweeps.board.evaluation.Evaluation` that no function here gives is checked by another module of this room,
or is named, with the reason, in the test that changes every stored field in turn.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from golf.errors import shown
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.script import is_script_stage
from jobs.stages.train import TRAIN
from jobs.state import SweepState
from jobs.store import EntryRecord, JobRecord, SweepRecord
from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import LIMIT_BYTES, LIMIT_SECONDS
from sweeps.contests.catalog import contest_named
from sweeps.entries.checking.mismatch import find_job
from sweeps.entries.facts import contest_of
from sweeps.entries.forms.attempts import Attempts, is_remade, list_commits, sum_costs
from sweeps.entries.forms.native import bpb_of_model, native_facts
from sweeps.entries.script_form import scores_text, script_facts

ROUNDING = 1e-9
"""Relative difference of sums of the same numbers in another order."""
LATER_FIELDS = frozenset({"training_cost", "trained_only", "weights", "bpb_per_nat", "machine_class", "own_audit"})
"""Fields that rows of an earlier version lack; what is missing says nothing."""
OF_ATTEMPTS = frozenset({"cost", "training_cost", "code"})
"""Fields that come out otherwise when a lost output is made again, while the score stays."""
ALWAYS_KNOWN = ("weights", "artifact", "source_bytes", "own_audit")
"""Fields of our own recipe that only a row of an earlier version leaves out, and none has null in."""
SECONDS_ROUNDING = 1e-3
TRIAL = re.compile(r"trial \d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What entries rest on, read from the store."""

    jobs: Mapping[str, JobRecord]
    attempts: Attempts
    sweeps: Mapping[str, SweepRecord]
    trials: Mapping[str, int]
    """Sweep → settings that its search has scored."""


def compare_fields(
    run: Evaluation, entry: EntryRecord, made: Mapping[str, JobRecord], sources: Sources, settings: str
) -> Iterator[str]:
    """A line for each field of an evaluation that its jobs, their attempts or its sweep give otherwise.

    Args:
        run: one seed's evaluation.
        entry: holds it.
        made: the seed's jobs by stage, in the order in which they build on one another; all of them.
        sources: the rest.
        settings: digest of the entry's.
    """
    stored = next(row for row in entry.content["evaluations"] if row["seed"] == run.seed)
    expected = _from_jobs(entry, run, made) | _from_attempts(entry, made, sources.attempts)
    expected |= {"settings": settings} | _from_sweep(entry, run, sources) | _from_trainings(entry, sources.jobs)
    if entry.evidence["audit"] is not None:
        expected["audited"] = True
    if TRAIN.name in made:
        yield from (f"it does not say its {name}" for name in ALWAYS_KNOWN if stored.get(name, "") is None)
    remade = any(is_remade(sources.attempts[job.key]) for job in made.values())
    for name, value in expected.items():
        stated = getattr(run.text, name[5:]) if name.startswith("text.") else getattr(run, name)
        if name == "clocks":
            yield from _compare_clocks(stated, value, remade)
        elif (name not in stored and name in LATER_FIELDS) or (remade and name in OF_ATTEMPTS):
            continue
        elif not _is_same(stated, value):
            yield f"its {name} is {_show(stated)}, {_SOURCE.get(name, 'its jobs')} gave {_show(value)}"


_SOURCE: Mapping[str, str] = {
    **dict.fromkeys(("cost", "training_cost", "code"), "the attempts at its jobs"),
    **dict.fromkeys(("stage", "trials", "fresh_seed", "limit_bytes", "text.data", "text.tokenizer"), "its sweep"),
    "whole_set": "the documents of its sweep's validation set",
    "settings": "the settings beside it",
}


def _from_jobs(entry: EntryRecord, run: Evaluation, made: Mapping[str, JobRecord]) -> dict[str, Any]:
    """Empty while one of the jobs is made again, and has no outputs."""
    if any(job.outputs is None for job in made.values()):
        return {}
    if any(is_script_stage(stage) for stage in made):
        scored = entry.evidence["seeds"][str(run.seed)]["scored"]
        result = made[scored].outputs or {}
        text = {f"text.{name}": size for name, size in scores_text(result).items()}
        nll = (result.get("document_totals") or {}).get("nll")
        return {**script_facts(made, scored), **text, "nll": nll, "whole_set": None, "steps": None}
    outputs = [made[stage].outputs or {} for stage in (TRAIN.name, QUANTIZE.name, EVALUATE.name)]
    facts = native_facts(outputs[0], outputs[1], outputs[2], made[EVALUATE.name].order.job)
    del facts["model_bytes"]  # said beside the digest of its artifact
    return facts | {"score": None, "bpb_per_nat": None, "machine_class": ""}


def _from_attempts(entry: EntryRecord, made: Mapping[str, JobRecord], attempts: Attempts) -> dict[str, Any]:
    facts = {"cost": sum_costs(made.values(), attempts), "code": list_commits(made.values(), attempts)}
    if TRAIN.name in made:
        shared = [made[TRAIN.name], made[QUANTIZE.name]]
        return facts | {"training_cost": sum_costs(shared, attempts)}
    return facts | {"training_cost": None}


def _from_sweep(entry: EntryRecord, run: Evaluation, sources: Sources) -> dict[str, Any]:
    sweep = sources.sweeps.get(entry.sweep)
    if sweep is None:
        return {}
    is_trial = TRIAL.match(entry.name) is not None
    trials = sources.trials[entry.sweep] if is_trial else 0
    if sweep.state == SweepState.RUNNING:  # its search may go on
        trials = min(run.trials, trials)
    facts: dict[str, Any] = {"stage": (sweep.created, int(is_trial)), "trials": trials}
    tune = read_spec(sweep.spec, "file", "seeds", "tune") or ()
    facts["fresh_seed"] = run.seed not in tune
    data = read_spec(sweep.spec, "data")
    if read_spec(data, "tokenizer_digest") is None:
        return facts
    if "val_documents" in data:
        facts |= {"limit_bytes": LIMIT_BYTES, "whole_set": run.text.documents == data["val_documents"]}
    else:
        facts |= {"limit_bytes": _script_limit(sweep), "text.data": data["val_digest"]}
    tokenizer = data["tokenizer"]
    name = "none" if tokenizer is None else f"{PurePath(tokenizer).name} {data['tokenizer_digest'][:8]}"
    return facts | {"text.tokenizer": name}


def _script_limit(sweep: SweepRecord) -> int | None:
    """Most bytes of a script's artifact and code: its file's last word, else its contest's; None for no limit."""
    tables = [table for table in sweep.spec["file"]["script"].values() if isinstance(table, Mapping)]
    named = [table["limit_bytes"] for table in tables if table.get("limit_bytes") is not None]
    return (named[-1] if named else contest_named(contest_of(sweep)).limits.bytes) or None


def _from_trainings(entry: EntryRecord, jobs: Mapping[str, JobRecord]) -> dict[str, Any]:
    """Scores of the seeds that were trained and not evaluated; empty while one of their jobs is made again."""
    scores = []
    for stages in entry.evidence.get("trained_only", {}).values():
        job = find_job(stages.get(QUANTIZE.name, ""), QUANTIZE.name, jobs)
        if job is None or job.outputs is None:  # the former is a line already
            return {}
        scores.append(bpb_of_model(job.outputs["loss"])[0])
    return {"trained_only": tuple(bpb for bpb in scores if bpb is not None)}


def _compare_clocks(stated: Mapping[str, float], measured: Mapping[str, float], remade: bool) -> Iterator[str]:
    """Clocks of jobs that were made again differ, and only one over the limit may then not be hidden."""
    for name in dict.fromkeys((*measured, *stated)):
        seconds = measured.get(name, 0.0)
        hides = seconds > LIMIT_SECONDS and stated.get(name, 0.0) < seconds - SECONDS_ROUNDING
        if hides or not (remade or _is_same(stated.get(name), measured.get(name))):
            yield f"its jobs took {_seconds(measured, name)} ({name}), the entry says {_seconds(stated, name)}"


def _seconds(clocks: Mapping[str, float], name: str) -> str:
    return f"{clocks[name]:.1f} s" if name in clocks else "no time"


def _is_same(stated: Any, computed: Any) -> bool:
    """Whether two plain values are the same, up to rounding, lists and tuples alike."""
    if isinstance(stated, list | tuple) and isinstance(computed, list | tuple):
        return len(stated) == len(computed) and all(map(_is_same, stated, computed))
    if isinstance(stated, bool | None) or not isinstance(stated, int | float) or not isinstance(computed, int | float):
        return bool(type(stated) is type(computed) and stated == computed)
    return math.isclose(stated, computed, rel_tol=ROUNDING)


def _show(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else shown(value)


def read_spec(spec: Any, *names: str) -> Any:
    """A value of a sweep's record; None where another version of golfsweep, which wrote it, has none."""
    for name in names:
        spec = spec.get(name) if isinstance(spec, Mapping) else None
    return spec


def compare_evidence(
    run: Evaluation, entry: EntryRecord, made: Mapping[str, JobRecord], sources: Sources
) -> Iterator[str]:
    """A line for each part of a seed's evidence that only people read, and that its jobs give otherwise."""
    evidence, outputs = entry.evidence["seeds"][str(run.seed)], dict[str, Any]()
    for job in made.values():
        outputs |= job.outputs or {}
        if entry.evidence["arithmetic"].get(job.order.job.stage) != job.order.job.arithmetic:
            yield f"its evidence says another version of {job.order.job.stage} than {job.order.job.arithmetic}"
    remade = any(is_remade(sources.attempts[job.key]) for job in made.values())
    for name in ("metrics", "log"):  # those of a repetition are others
        if name in evidence and not remade and name in outputs and evidence[name] != outputs[name]:
            yield f"its jobs made {name} {outputs[name][:12]}, the entry has {evidence[name][:12]}"
    commits = sorted({commit for run in entry.content["evaluations"] for commit in run["code"]}, key=str)
    if commits != entry.evidence["code"]["commits"]:
        yield f"its evidence says commits {shown(entry.evidence['code']['commits'])}, its seeds ran {shown(commits)}"
