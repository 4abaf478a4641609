"""The evidence of a script's entry and its facts: made from its jobs, and compared with them later."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from golf.score import bits_per_byte
from jobs.logs.log import ScoreStage
from jobs.logs.score_lines import stage_of
from jobs.stages.stage import title_of
from jobs.store import JobRecord
from sweeps.board.rules import UNAUDITED_CODE, RuleFinding

SCORES_CODE = "scores"
ROUNDING = 1e-4
"""Relative difference that printed digits explain."""
UNAUDITED = RuleFinding(code=UNAUDITED_CODE, detail="a metric line gives no way to judge it from outside")


def seed_evidence(jobs: Mapping[str, JobRecord], scored: str) -> dict[str, Any]:
    """Keys of a seed's jobs, and digests of the evidence for its score.

    Args:
        jobs: by stage, in the order in which they build on one another.
        scored: the stage whose metric is the score.
    """
    evidence: dict[str, Any] = {"jobs": {stage: job.key for stage, job in jobs.items()}, "scored": scored}
    for job in jobs.values():
        made = job.outputs or {}
        if isinstance(made.get("artifact"), str):
            evidence |= {"artifact": made["artifact"], "artifact_bytes": made["bytes"]["artifact"]}
        if isinstance(made.get("weights"), str):
            evidence.setdefault("weights", made["weights"])
    outputs = jobs[scored].outputs or {}
    found = {"log": outputs.get("log"), "scores": outputs.get("document_scores")}
    return evidence | {name: digest for name, digest in found.items() if digest is not None}


def machine_class(jobs: Iterable[JobRecord]) -> str:
    """What a seed's numbers belong to: Python, torch, CUDA and device of its stages, as the nodes had them."""
    classes = set[str]()
    for job in jobs:
        made = job.outputs or {}
        if "attached" in made:
            continue
        runtime = made.get("runtime") or job.order.job.settings["runtime"]
        software = [f"{name} {runtime.get(name) or 'none'}" for name in ("python", "torch", "cuda")]
        classes.add(", ".join([runtime.get("device") or job.order.job.machine.device, *software]))
    return " + ".join(sorted(classes))


def script_facts(jobs: Mapping[str, JobRecord], scored: str) -> dict[str, Any]:
    """Fields of `sweeps.board.evaluation.Evaluation` that follow from a seed's jobs alone.

    Args:
        jobs: by stage, in the order in which they build on one another.
        scored: the stage whose metric is the score.
    """
    made = [job.outputs or {} for job in jobs.values()]
    result = jobs[scored].outputs or {}
    return {
        "clocks": _clocks(jobs, scored),
        "adapts": stage_of(result["metric"]["name"]) == "adapted",
        "trained_bpb": _score_of(made[:1], "trained"),
        "quantized_bpb": _score_of([result, *made], "roundtrip"),
        "bpb_per_nat": result["bpb_per_nat"],
        "machine": _machine(jobs, scored),
        "machine_class": machine_class(jobs.values()),
    }


def scores_text(outputs: Mapping[str, Any]) -> dict[str, int | None]:
    """Documents, tokens and bytes that a script's own table of documents has; None where it left none."""
    totals = outputs.get("document_totals") or {}
    return {name: totals.get(name) for name in ("documents", "tokens", "bytes")}


def script_findings(
    outputs: Iterable[Mapping[str, Any]], audit: Sequence[RuleFinding] = (UNAUDITED,)
) -> tuple[RuleFinding, ...]:
    """Findings of an entry's seed, from the outputs of its jobs.

    Args:
        outputs: of each job.
        audit: findings of its scorer's audit; by default of a script that names no scorer.
    """
    made = list(outputs)
    notes = dict.fromkeys(note for job in made for note in job["notes"])
    mixed = [line for job in made if (line := _contradiction(job)) is not None]
    return (
        *audit,
        *(RuleFinding(code=SCORES_CODE, detail=line) for line in mixed),
        *(RuleFinding(code="note", detail=note) for note in notes),
    )


def _contradiction(outputs: Mapping[str, Any]) -> str | None:
    """What a script says that its own documents do not give."""
    totals, metric = outputs.get("document_totals"), outputs["metric"]
    if totals is None or metric is None or not totals["bytes"]:
        return None
    bpb = bits_per_byte(totals["nll"], totals["bytes"])
    if math.isclose(bpb, metric["value"], rel_tol=ROUNDING):
        return None
    return f"its documents give {bpb:.6f} bits per byte, its line {metric['name']} says {metric['value']:.6f}"


def _clocks(jobs: Mapping[str, JobRecord], scored: str) -> dict[str, float]:
    """Every stage's clocks under its name; under train and eval also those of the first and of the scored stage."""
    own = {stage: (job.outputs or {})["clocks"] for stage, job in jobs.items()}
    clocks: dict[str, float] = {
        f"{title_of(stage)}.{name}": seconds for stage, named in own.items() for name, seconds in named.items()
    }
    first = next(iter(jobs))
    for name, stage, wanted in (("train", first, "train_seconds"), ("eval", scored, "eval_seconds")):
        if wanted in own[stage]:
            clocks[f"{name}.{wanted}"] = own[stage][wanted]
        if first != scored and "process_seconds" in own[stage]:  # an attached output has no process
            clocks[f"{name}.process_seconds"] = own[stage]["process_seconds"]
    return clocks


def _score_of(made: Iterable[Mapping[str, Any]], stage: ScoreStage) -> float | None:
    """The score that the log of the first of these jobs with lines of some stage gave; None if it gave several.

    Of trained weights only the training speaks: a stage that evaluates a kept artifact has none, and prints a score all
    the same. Of the artifact the scored stage comes first: its score is of the same tokens as the one after adaptation.
    """
    for outputs in made:
        if scores := {score for name, score in outputs["scores"].items() if stage_of(name) == stage}:
            return scores.pop() if len(scores) == 1 else None
    return None


def _machine(jobs: Mapping[str, JobRecord], scored: str) -> str:
    """Device, torch and width, as the script's own interpreter has them."""
    order = jobs[scored].order
    runtime = (jobs[scored].outputs or {}).get("runtime") or order.job.settings["runtime"]
    widths = ", ".join(f"{title_of(stage)} on {job.order.slots}" for stage, job in jobs.items())
    torch = f"torch {runtime['torch']}" if runtime.get("torch") else "torch of the script's interpreter"
    return f"{runtime.get('device') or order.job.machine.device}, {torch}, {widths}"
