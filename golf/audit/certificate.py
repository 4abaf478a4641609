"""The result of an audit: its findings, the probes behind them, and what it did not probe."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

ChangeKind = Literal["suffix", "token", "shuffle", "cut", "grown"]
LENGTH_KINDS: tuple[ChangeKind, ...] = ("cut", "grown")
"""Kinds that change the document's length."""
Condition = Literal["C1", "C2", "C3", "C4", "bytes", "length", "cross-document", "nondeterminism"]
"""C1 causal, C2 normalized, C3 scored before updated, C4 scored once (the challenge's issue 1017); bytes: wrong byte
counts; length: the loss depends on the document's length; cross-document: the loss depends on other documents;
nondeterminism: the same call returns different losses."""

MAX_LENGTH_EFFECT_NATS = 0.005
"""By how much a document's length may change its mean loss, in nats per token: the contest's margin. A smaller effect
is a note, a larger one a breach."""

GIVEN_TEXT, MADE_UP_TEXT = "given", "made up"
"""Whether documents were given, or all made up: then nobody knows how it scores text."""

JSON_KEYS: Mapping[str, str] = {
    "exceeds_tolerance": "beyond",
    "confident_minimum": "least",
    "always_zero": "silent",
}
"""Fields of probes whose key in JSON differs: stored certificates have these keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A condition that the scorer violates, with the position that shows it most clearly."""

    condition: Condition
    document: int
    """Index among the documents given; generated documents are numbered after those. −1: no single document."""
    position: int
    """Position in the document whose loss shows the violation; −1: no single position."""
    measured: float
    """What was measured there: a sum of probabilities, a difference in nats, or a ratio of byte counts."""
    detail: str
    """One sentence for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularySum:
    """The sum of the probabilities of all tokens of the vocabulary at one position; a legal scorer gives 1."""

    document: int
    position: int
    total: float
    """The sum; an estimate if only some tokens were tried."""
    lower_bound: float
    """The sum over the tokens tried."""
    confident_minimum: float
    """What the full sum is at least, up to the small error probability of the sample."""
    standard_error: float
    """Standard error of the estimate; 0 if every token was tried."""
    tolerance: float
    """Deviation from 1 that the scorer's rounding explains."""
    tokens: int
    """How many tokens of the vocabulary were tried."""
    complete: bool
    """Whether every token was tried."""
    scale: float
    """The factor on the loss that turns a sum of 1 into this one; 1 if the sum is 1 or the factor is unknown."""
    always_zero: bool
    """Whether the loss was 0 for every token tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FutureChange:
    """A document with its later part changed, and how the losses before the change differ."""

    kind: ChangeKind
    document: int
    changed: int
    """First position that differs; for "cut" and "grown" the position where the shorter version ends."""
    position: int
    """Position before the change whose loss differs most, relative to its tolerance."""
    largest: float
    """Difference at that position in nats."""
    mean: float
    """Mean difference over all positions before the change, in nats."""
    exceeds_tolerance: bool
    """Whether the difference is more than rounding."""
    first_moved: int = -1
    """First position whose loss differs by more than rounding; −1 if none does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Losses that must be equal, compared: the same documents in two calls, or a loss against what chance allows."""

    kind: str
    """What was compared, in words."""
    document: int
    position: int
    """Position with the largest difference, relative to its tolerance."""
    largest: float
    """Difference at that position in nats."""
    mean: float
    """Mean difference over all positions compared, in nats."""
    exceeds_tolerance: bool
    """Whether the difference is more than rounding or chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """The verdict on one scorer, with its evidence."""

    judged: bool
    """Whether the budget sufficed to change every document's future and to sum a whole vocabulary."""
    findings: tuple[Finding, ...]
    sums: tuple[VocabularySum, ...]
    changes: tuple[FutureChange, ...]
    comparisons: tuple[Comparison, ...]
    placement: Mapping[str, Any]
    """Documents used, precision measured, budget and how it was spent, and what was not probed."""

    @property
    def length_effect(self) -> float:
        """The most by which a document's length changed the mean of its losses, in nats per token."""
        return largest_length_effect(self.changes)

    @property
    def passed(self) -> bool:
        """Whether enough was probed and no condition is violated; a `length` finding alone is none if it is small."""
        return passes(self.judged, [finding.condition for finding in self.findings], self.length_effect)

    def to_json(self) -> dict[str, Any]:
        """The certificate as plain data."""
        probes: dict[str, Any] = {
            **self.placement,
            "vocabulary": [_plain(probe) for probe in self.sums],
            "future": [_plain(probe) for probe in self.changes],
            "context": [_plain(probe) for probe in self.comparisons],
        }
        return {
            "passed": self.passed,
            "judged": self.judged,
            "length_effect": self.length_effect,
            "findings": [asdict(finding) for finding in self.findings],
            "probes": probes,
        }


def largest_length_effect(changes: Sequence[FutureChange]) -> float:
    """The largest mean difference over a document, in nats per token, of changes of length that are no rounding."""
    moved = (change for change in changes if change.exceeds_tolerance and change.kind in LENGTH_KINDS)
    return max((abs(change.mean) for change in moved), default=0.0)


def passes(judged: bool, conditions: Sequence[str], length_effect: float) -> bool:
    """Whether a scorer with these findings passes.

    Args:
        judged: whether enough was probed.
        conditions: of its findings.
        length_effect: of its documents' length, in nats per token.
    """
    return judged and set(conditions) <= {"length"} and length_effect <= MAX_LENGTH_EFFECT_NATS


def _plain(probe: VocabularySum | FutureChange | Comparison) -> dict[str, Any]:
    return {JSON_KEYS.get(name, name): value for name, value in asdict(probe).items()}
