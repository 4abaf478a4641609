"""Which track a row is on: what it was found to do, held against a rules profile.

`accepted` is what the organizers let pass, `strict` what the text says. What a protocol does is its audit's to say;
sizes, times, seeds and coverage are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from golf.limits import LIMIT_BYTES

Profile = Literal["accepted", "strict"]
Track = Literal["legal", "flagged", "unverified"]

LIMIT_SECONDS = 600.0
"""The challenge's limit on training, and as much again on evaluation."""
LAST_STEP_SECONDS = 1.0
"""So much later a training may end whose last step began in time; of the logs that were let pass none took longer."""
MARGIN_NATS = 0.005
"""A new record has to be lower by this many nats per token (the challenge's text)."""
NOTES: dict[Profile, frozenset[str]] = {
    "accepted": frozenset({"length", "resumed", "time-last-step"}),
    "strict": frozenset({"resumed"}),
}
"""Findings that are shown but do not flag."""
UNJUDGED = "unaudited"
"""Code of the finding that nobody could judge a row's scores from outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that a row does or lacks: a condition of the rules and what was found."""

    code: str
    """C1 … C4, bytes, length, cross-document, nondeterminism, overlap, unaudited; size, time, time-last-step, coverage,
    seeds, resumed."""
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the rules ask of a row, the worst of its seeds."""

    total_bytes: int
    train_seconds: float
    eval_seconds: float
    whole_set: bool
    fresh_seeds: bool


def measured_findings(facts: Facts) -> list[Finding]:
    """What size, time, coverage and seeds say against a row."""
    found: list[Finding] = []
    if facts.total_bytes > LIMIT_BYTES:
        found.append(Finding(code="size", detail=f"{facts.total_bytes:,} bytes, over {LIMIT_BYTES:,}"))
    for name, seconds in (("training", facts.train_seconds), ("evaluation", facts.eval_seconds)):
        if seconds > LIMIT_SECONDS:
            last = name == "training" and seconds <= LIMIT_SECONDS + LAST_STEP_SECONDS
            detail = f"{name} took {seconds:.1f} s, over {LIMIT_SECONDS:g} s"
            found.append(Finding(code="time-last-step" if last else "time", detail=detail))
    if not facts.whole_set:
        found.append(Finding(code="coverage", detail="only part of the validation set was scored"))
    if not facts.fresh_seeds:
        found.append(Finding(code="seeds", detail="confirmed on a seed that it was tuned on"))
    return found


def track(findings: Sequence[Finding], profile: Profile) -> Track:
    """The track that a row's findings put it on: what is known to be wrong flags, judged from outside or not."""
    codes = {finding.code for finding in findings} - NOTES[profile]
    if codes - {UNJUDGED}:
        return "flagged"
    return "unverified" if codes else "legal"
