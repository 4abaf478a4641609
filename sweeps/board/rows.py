"""A row of the leaderboard: what a recipe's evaluations, or a public record, come to.

A row holds whatever needs no other row. What is not known is None, never guessed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from golf.limits import LIMIT_BYTES
from sweeps.board.evaluation import Evaluation, ImportedRow, Stage, TextSet
from sweeps.board.rules import LIMIT_SECONDS, MARGIN_NATS, Facts, Finding, Profile, Track, measured_findings, track
from sweeps.statistics import Moments, moments

PUBLIC = "public"
"""The text of imported records: all were scored on the challenge's one validation set, however it was cut."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A recipe's evaluations, or a public record."""

    name: str
    sweep: str
    source: str
    runs: Sequence[Evaluation]
    """One a seed; none of a public record."""
    scores: Sequence[float]
    findings: tuple[Finding, ...]
    track: Track
    stage: Stage
    text: TextSet | None
    """None of a public record."""
    bpb_per_nat: float | None
    """Bits per byte of a nat per token on its text."""
    moments: Moments | None
    """None without any score."""
    facts: dict[str, Any]
    """The leaderboard's columns that need no other row."""

    @property
    def data(self) -> str:
        """What its text is known by."""
        return PUBLIC if self.text is None else self.text.data

    @property
    def margin(self) -> float | None:
        """The challenge's margin in bits per byte of its text."""
        return None if self.bpb_per_nat is None else self.bpb_per_nat * MARGIN_NATS

    @property
    def date(self) -> str | None:
        """The day that it came, if that is known."""
        known = self.stage[0] != math.inf
        return datetime.fromtimestamp(self.stage[0], UTC).date().isoformat() if known else None

    def known_as(self, sweep: str) -> str:
        """Its name, as a row of that sweep may call it."""
        return self.name if self.sweep in ("", sweep) else f"{self.sweep}/{self.name}"

    @property
    def spread(self) -> bool:
        """Whether its seeds tell of noise: two at least."""
        return self.moments is not None and self.moments.n > 1


CLOCKS: Mapping[Profile, tuple[str, str]] = {
    "accepted": ("train.train_seconds", "eval.eval_seconds"),
    "strict": ("train.process_seconds", "eval.process_seconds"),
}
"""Which clocks of training and evaluation a profile holds against the limits."""
CONTEST_GPU = "H100"
"""Eight of these are the challenge's machine."""


class Worst(NamedTuple):
    """The most of what is limited that any seed of a row took, as a profile counts it."""

    bytes: int
    train_seconds: float
    eval_seconds: float


def row_of(runs: Sequence[Evaluation], profile: Profile) -> Row:
    """The row of one recipe's evaluations, judged by the worst of its seeds.

    Raises:
        ValueError: a seed is there twice, or the seeds were scored on different texts.
    """
    first = runs[0]
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError(f"{first.row}: a seed stands there twice; one evaluation a recipe and seed makes a row")
    if any([run.text is not first.text and run.text != first.text for run in runs]):
        raise ValueError(f"{first.row}: its seeds were scored on different texts")
    slowest = _slowest(runs)
    worst = {
        rules: Worst(
            max([run.model_bytes + _code_bytes(run, rules) for run in runs]), slowest[train], slowest[evaluation]
        )
        for rules, (train, evaluation) in CLOCKS.items()
    }
    facts = Facts(
        total_bytes=worst[profile].bytes,
        train_seconds=worst[profile].train_seconds,
        eval_seconds=worst[profile].eval_seconds,
        whole_set=all([run.whole_set for run in runs]),
        fresh_seeds=all([run.fresh_seed for run in runs]),
    )
    declared = {finding: None for run in runs for finding in run.findings}
    findings = (*declared, *measured_findings(facts))
    scores = [run.bpb for run in runs]
    return Row(
        name=first.row,
        sweep=first.sweep,
        source="golfsweep",
        runs=tuple(runs),
        scores=scores,
        findings=findings,
        track=track(findings, profile),
        stage=max([run.stage for run in runs]),
        text=first.text,
        bpb_per_nat=first.text.bpb(1.0),
        moments=moments(scores, 1),
        facts=_native(runs, scores, worst, slowest, profile) | _findings(findings),
    )


def imported_row(record: ImportedRow) -> Row:
    """The row of a public record."""
    scores = [bpb for bpb in record.seeds.values() if bpb is not None]
    parts = (record.model_bytes, record.code_bytes)
    total = record.total_bytes
    if total is None and None not in parts:
        total = sum(part for part in parts if part is not None)
    unchecked = ["the scorer", "the artifact", "documents and bytes scored"]
    facts: dict[str, Any] = {
        "seeds": dict(record.seeds),
        "bytes_total": total,
        "bytes": {
            "model": record.model_bytes,
            "code": record.code_bytes,
            "total": total,
            "limit": LIMIT_BYTES,
        },
        "train_seconds": record.train_seconds,
        "eval_seconds": record.eval_seconds,
        "clocks": dict(record.clocks),
        "bpb_trained": record.trained_bpb,
        "bpb_quantized": record.quantized_bpb,
        "steps": record.steps,
        "tokenizer": record.tokenizer,
        "unchecked": unchecked + (["noise of seeds"] if len(scores) < 2 else []),
        "author": record.author,
        "url": record.url,
    }
    return Row(
        name=record.name,
        sweep="",
        source="import",
        runs=(),
        scores=scores,
        findings=record.findings,
        track=record.track,
        stage=(math.inf if record.date is None else record.date, 0),
        text=None,
        bpb_per_nat=record.bpb_per_nat,
        moments=moments(scores, 1) if scores else None,
        facts=facts | _findings(record.findings),
    )


def _findings(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"findings": [{"code": finding.code, "detail": finding.detail} for finding in findings]}


def _text(text: TextSet) -> dict[str, Any]:
    return {"data": text.data, "documents": text.documents, "tokens": text.tokens, "bytes": text.bytes}


def _slowest(runs: Sequence[Evaluation]) -> dict[str, float]:
    """The most that any seed took on each clock."""
    every = [run.clocks for run in runs]
    return {name: max([clocks.get(name, 0.0) for clocks in every]) for name in every[0]}


def _native(
    runs: Sequence[Evaluation],
    scores: Sequence[float],
    worst: Mapping[Profile, Worst],
    slowest: Mapping[str, float],
    profile: Profile,
) -> dict[str, Any]:
    """What an own row says of itself: the worst of its seeds where it is measured, the mean where it is a score."""
    first, n = runs[0], len(runs)
    most = worst[profile]
    largest = next(run for run in runs if run.model_bytes + _code_bytes(run, profile) == most.bytes)
    costs = [run.cost for run in runs if run.cost is not None]
    paces = [1000 * run.clocks[CLOCKS["accepted"][0]] / run.steps for run in runs if run.steps]
    codes = {commit for run in runs for commit in run.code}
    bpb = sum(scores) / n
    return {
        "seeds": dict(zip([str(run.seed) for run in runs], scores, strict=True)),
        "bytes_total": most.bytes,
        "bytes": {
            "model": largest.model_bytes,
            "code": _code_bytes(largest, profile),
            "code_shipped": largest.code_bytes,
            "code_source": largest.source_bytes,
            "total": most.bytes,
            "limit": LIMIT_BYTES,
        },
        "train_seconds": most.train_seconds,
        "eval_seconds": most.eval_seconds,
        "clocks": slowest,
        "cost": sum(costs) if len(costs) == n else None,
        "sweep": first.sweep or None,
        "bpb_trained": _mean([run.trained_bpb for run in runs]),
        "bpb_quantized": _mean([run.quantized_bpb for run in runs]),
        "bpb_adapted": bpb if first.adapts else None,
        "steps": min([run.steps or 0 for run in runs]) if len(paces) == n else None,
        "ms_per_step": max(paces) if len(paces) == n else None,
        "headroom": {rules: _headroom(taken) for rules, taken in worst.items()},
        "text": _text(first.text),
        "tokenizer": first.text.tokenizer,
        "machine": first.machine if len({run.machine for run in runs}) == 1 else None,
        "same_code": len(codes) == 1 if codes and None not in codes else None,
        "same_settings": len({run.settings for run in runs}) == 1 if first.settings else None,
        "trials": first.trials,
        "unchecked": _unchecked(runs, scores),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(values) / len(values)  # type: ignore[arg-type]


def _code_bytes(run: Evaluation, profile: Profile) -> int:
    """Bytes of the code that a profile counts: as it is written under the rules' text, as it is shipped in practice."""
    return run.source_bytes if profile == "strict" and run.source_bytes is not None else run.code_bytes


def _headroom(taken: Worst) -> dict[str, float]:
    """What the worst seed leaves of bytes and seconds."""
    return {
        "bytes": LIMIT_BYTES - taken.bytes,
        "train_seconds": LIMIT_SECONDS - taken.train_seconds,
        "eval_seconds": LIMIT_SECONDS - taken.eval_seconds,
    }


def _unchecked(runs: Sequence[Evaluation], scores: Sequence[float]) -> list[str]:
    """What nobody has looked at, in words."""
    found = []
    if not all([run.audited for run in runs]):
        found.append("the scorer, from outside: its settings are taken at their word")
    if len(runs) < 2:
        found.append("noise of seeds")
    elif len(set(scores)) == 1:
        found.append("noise of seeds: all of them gave the same score")
    machines = {run.machine or "an unknown one" for run in runs}
    if elsewhere := sorted({machine.split(",")[0] for machine in machines if CONTEST_GPU not in machine}):
        found.append(f"its seconds on the contest's machine: it ran on {', '.join(elsewhere)}")
    if not any([run.code for run in runs]):
        found.append("the code's version")
    return found
