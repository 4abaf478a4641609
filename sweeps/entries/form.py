"""The form of an entry in the store.

content    evaluations: one a seed, the fields of `sweeps.board.evaluation.Evaluation`
           settings:    every setting of the recipe, as nested tables
           audit:       passed, judged, findings, overlap and length effect of the finished audit; null before it
           seed_audits: seed → the same of the short audit of its artifact; absent without any
evidence   seeds:       seed → keys of its `jobs` by stage, and digests of its weights, artifact, scores and metrics
           trained_only: seed → keys of jobs by stage, of seeds that were trained and not evaluated; absent without any
           audit:       key of the audit's `job` and digest of its `certificate`; null before it
           seed_audits: seed → the same of its short audit; absent without any
           arithmetic:  stage → version of its arithmetic, of every job above
           code:        `commits` that the jobs ran, and the digest of the `script` that the entry is submitted as
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from jobs.stages.registry import arithmetic_of
from jobs.store import EntryRecord, SweepRecord
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.rules import RuleFinding
from sweeps.entries.numbers import clean_numbers
from sweeps.entries.once import once_per_object

VERSION = 1
"""Raised when the form changes, so that the entries of every sweep are written anew."""

RESUMED = RuleFinding(code="resumed", detail="training was interrupted; its clock cannot be reproduced")
"""The only finding of an evaluation that does not come from its audit."""


def is_outdated(sweep: SweepRecord) -> bool:
    """Whether another version of golfsweep wrote a sweep's entries, or wrote none."""
    return sweep.entries_version != VERSION


def evaluations_to_json(evaluations: Iterable[Evaluation]) -> list[dict[str, Any]]:
    """Evaluations as plain data."""
    return [asdict(evaluation) for evaluation in evaluations]


def evaluations_of(entry: EntryRecord) -> list[Evaluation]:
    """An entry's evaluations, one a seed; numbers that `list_wrong_numbers` names are unknown."""
    return list(_read_evaluations(entry)[0])


def list_wrong_numbers(entry: EntryRecord) -> list[str]:
    """A line for each number of an entry that nothing can measure, and for each seed on another validation set."""
    return _read_evaluations(entry)[1]


def digest_settings(settings: Mapping[str, Any]) -> str:
    """Digest of every setting of a recipe."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def job_keys(entry: EntryRecord) -> list[str]:
    """Keys of the jobs behind an entry, each once: those of its seeds, then its audits."""
    keys = [key for seed in entry.evidence["seeds"].values() for key in seed["jobs"].values()]
    keys += [audit["job"] for audit in audits_of(entry).values()]
    return list(dict.fromkeys(keys))


def trained_keys(entry: EntryRecord) -> list[str]:
    """Keys of the jobs of an entry's seeds that were trained and not evaluated."""
    return [key for stages in entry.evidence.get("trained_only", {}).values() for key in stages.values()]


def audits_of(entry: EntryRecord) -> dict[str | None, Mapping[str, Any]]:
    """Evidence of an entry's finished audits: under None that of the entry, the short ones under their seeds."""
    audit, further = entry.evidence["audit"], entry.evidence.get("seed_audits", {})
    return {**({} if audit is None else {None: audit}), **further}


def other_versions(entry: EntryRecord) -> dict[str, tuple[int, int | None]]:
    """Stages whose arithmetic an entry's evidence has in another version, with that version and this code's.

    This code's is None for a stage that it does not have.
    """
    return {
        stage: (version, arithmetic_of(stage))
        for stage, version in entry.evidence["arithmetic"].items()
        if version != arithmetic_of(stage)
    }


@once_per_object
def _read_evaluations(entry: EntryRecord) -> tuple[list[Evaluation], list[str]]:
    """Evaluations that can be computed with, and what of the stored ones cannot."""
    cleaned = [clean_numbers(stored) for stored in entry.content["evaluations"]]
    whose = {"row": entry.name, "sweep": entry.sweep}  # whatever a stored evaluation says that it is of
    read = [(_evaluation(fields | whose), wrong) for fields, wrong in cleaned]
    text = next((run.text for run, wrong in read if not wrong), read[0][0].text)
    runs: list[Evaluation] = []
    lines: list[str] = []
    for run, wrong in read:
        if run.text == text:
            runs.append(run)
        else:
            runs.append(replace(run, text=text, nll=None, score=None, scores=None))
            wrong = wrong or ["its validation set is not that of the other seeds"]
        lines += [f"seed {run.seed}: {line}" for line in wrong]
    return runs, lines


def _evaluation(fields: Mapping[str, Any]) -> Evaluation:
    nested = {
        "text": ValidationSet(**fields["text"]),
        "stage": tuple(fields["stage"]),
        "code": tuple(fields["code"]),
        "trained_only": tuple(fields.get("trained_only", ())),
        "findings": tuple(RuleFinding(**finding) for finding in fields["findings"]),
    }
    return Evaluation(**{**fields, **nested})
