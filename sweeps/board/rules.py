"""Limits and rules of Parameter Golf, from its file in `sweeps.contests`, and the track that findings put an entry on.

A profile decides which findings flag an entry: `accepted` follows what the organizers let pass, `strict` the written
rules. The audit reports what a protocol does; size, time, seeds and coverage are measured.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sweeps.contests.catalog import default_contest

Profile = Literal["accepted", "strict"]
Track = Literal["legal", "flagged", "unverified"]

_LIMITS, _RULE = default_contest().limits, default_contest().rule
assert _LIMITS.bytes is not None and _LIMITS.seconds is not None and _RULE.margin_nats is not None
LIMIT_BYTES: int = _LIMITS.bytes
"""Bytes that the challenge allows for artifact and code (its README)."""
LIMIT_SECONDS: float = _LIMITS.seconds
"""Seconds that the challenge allows for training, and again for evaluation (its README)."""
LAST_STEP_SECONDS: float = _LIMITS.last_step_seconds
"""Seconds over the limit that a training may end if its last step began in time; no accepted record took longer."""
MARGIN_NATS: float = _RULE.margin_nats
"""Nats per token by which a new record must be lower, by the challenge's README."""
NOTES: dict[Profile, frozenset[str]] = {
    "accepted": frozenset({"length", "note", "resumed", "time-last-step"}),
    "strict": frozenset({"note", "resumed"}),
}
"""Codes of findings that are shown but do not flag an entry."""
UNAUDITED_CODE = "unaudited"
"""Code of the finding that nobody could judge an entry's scores from outside."""
EVIDENCE_CODE = "evidence"
"""Code of the finding that an entry differs from its evidence."""
LENGTH_EFFECT_CODE = "length-effect"
"""Code of the finding that documents' length changes scores by more than the contest's margin."""
LEAKS = frozenset({"C1", "C2", "C3", "C4"})
"""Conditions of the challenge's issue 1017; a public record whose log names a breach of one is flagged."""
IMPLAUSIBLE_GAIN = "implausible-gain"
"""Code of the finding that no legal adaptation explains a public record's score; it is then no record to beat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleFinding:
    """One thing that an entry does or lacks, judged by the rules."""

    code: str
    """C1 … C4, bytes, length, length-effect, cross-document, nondeterminism, overlap, unaudited, evidence; size, time,
    time-last-step, coverage, seeds, resumed, scores, note."""
    detail: str
    """One line with the measured values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """What the rules limit, measured on the worst seed of an entry."""

    total_bytes: int | None
    """This and the times are None where they are not known."""
    train_seconds: float | None
    eval_seconds: float | None
    whole_set: bool
    """Whether the whole validation set was scored."""
    fresh_seeds: bool
    """Whether no seed was used for tuning."""
    limit_bytes: int | None = LIMIT_BYTES
    """Most bytes; None where they are not judged."""


def judge_measurements(measured: Measurements) -> list[RuleFinding]:
    """List the limits on size, time, coverage and seeds that an entry breaks."""
    findings: list[RuleFinding] = []
    size, limit = measured.total_bytes, measured.limit_bytes
    if size is not None and limit is not None and size > limit:
        findings.append(RuleFinding(code="size", detail=f"{size:,} bytes, over {limit:,}"))
    for name, seconds in (("training", measured.train_seconds), ("evaluation", measured.eval_seconds)):
        if seconds is not None and seconds > LIMIT_SECONDS:
            is_last_step = name == "training" and seconds <= LIMIT_SECONDS + LAST_STEP_SECONDS
            detail = f"{name} took {seconds:.1f} s, over {LIMIT_SECONDS:g} s"
            findings.append(RuleFinding(code="time-last-step" if is_last_step else "time", detail=detail))
    if not measured.whole_set:
        findings.append(RuleFinding(code="coverage", detail="only part of the validation set was scored"))
    if not measured.fresh_seeds:
        findings.append(RuleFinding(code="seeds", detail="confirmed on a seed that it was tuned on"))
    return findings


def choose_record_track(codes: Collection[str]) -> Track:
    """Choose a public record's track from the codes of its findings: nobody could audit it."""
    return "unverified" if (LEAKS | {EVIDENCE_CODE}).isdisjoint(codes) else "flagged"


def choose_track(findings: Sequence[RuleFinding], profile: Profile) -> Track:
    """Choose an entry's track from its findings: a known breach flags it, whether it was audited or not."""
    codes = {finding.code for finding in findings} - NOTES[profile]
    if codes - {UNAUDITED_CODE}:
        return "flagged"
    return "unverified" if codes else "legal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A published score to compare with, in bits per byte."""

    mean: float
    std: float | None = None
    n: int | None = None

    @property
    def has_spread(self) -> bool:
        """Whether its noise is known: a deviation of at least two seeds."""
        return self.std is not None and self.n is not None and self.n > 1
