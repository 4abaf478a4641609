"""The form of an entry in the store.

content    evaluations: one a seed, the fields of `sweeps.board.evaluation.Evaluation`
           settings:    every setting of the recipe, as nested tables
           audit:       passed, judged, findings, overlap and length effect of the finished audit; null before it
evidence   seeds:       seed → keys of its `jobs` by stage, and digests of its weights, artifact, scores and metrics
           trained_only: seed → keys of jobs by stage, of seeds that were trained and not evaluated; absent without any
           audit:       key of the audit's `job` and digest of its `certificate`; null before it
           arithmetic:  stage → version of its arithmetic, of every job above
           code:        `commits` that the jobs ran, and the digest of the `script` that the entry is submitted as
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from jobs.stages.registry import arithmetic_of
from jobs.store import EntryRecord, SweepRecord
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.rules import RuleFinding

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
    """An entry's evaluations, one a seed."""
    return [_evaluation(fields) for fields in entry.content["evaluations"]]


def other_versions(entry: EntryRecord) -> dict[str, tuple[int, int | None]]:
    """Stages whose arithmetic an entry's evidence has in another version, with that version and this code's.

    This code's is None for a stage that it does not have.
    """
    return {
        stage: (version, arithmetic_of(stage))
        for stage, version in entry.evidence["arithmetic"].items()
        if version != arithmetic_of(stage)
    }


def _evaluation(fields: Mapping[str, Any]) -> Evaluation:
    nested = {
        "text": ValidationSet(**fields["text"]),
        "stage": tuple(fields["stage"]),
        "code": tuple(fields["code"]),
        "trained_only": tuple(fields.get("trained_only", ())),
        "findings": tuple(RuleFinding(**finding) for finding in fields["findings"]),
    }
    return Evaluation(**{**fields, **nested})
