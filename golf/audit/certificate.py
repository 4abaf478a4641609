"""What an audit says: findings, the probes that they rest on, and what was not looked at."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Condition = Literal["C1", "C2", "C3", "C4", "bytes", "length", "cross-document", "nondeterminism"]
"""C1 causal, C2 normalized, C3 scored before updated, C4 scored once (the challenge's issue 1017); bytes: wrong counts;
length: the document's length is looked at; cross-document: other documents are; nondeterminism: not a function."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A condition that a scorer breaks, and the place where it shows most."""

    condition: Condition
    document: int
    """Its place among the documents given; made-up ones are numbered on from there; −1: no document in particular."""
    position: int
    """The entry of the document whose loss shows it; −1: no entry in particular."""
    measured: float
    """What was measured there: a sum of probabilities, or a difference in nats."""
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """The probabilities that one entry would have had as each token of the vocabulary, added up."""

    document: int
    position: int
    total: float
    """Their sum; where only some tokens were tried, estimated from those."""
    lower_bound: float
    """The sum over the tokens tried alone."""
    least: float
    """What the sum is at least, but for the luck of the tokens drawn."""
    standard_error: float
    """Of the estimate; 0 where every token was tried."""
    tolerance: float
    """How far from 1 the scorer's own rounding may take it."""
    tokens: int
    """How many tokens of the vocabulary were tried."""
    complete: bool
    """Whether that is all of them."""
    scale: float
    """The factor on the loss that would bring the sum from 1 to this; 1 where it is 1 or not known."""
    silent: bool
    """Whether the loss was 0 whatever the target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A document with a part of it changed, and what moved before that part."""

    kind: Literal["suffix", "token", "shuffle", "cut", "grown"]
    document: int
    changed: int
    """The first entry that differs, or where the document now ends."""
    position: int
    """The entry whose loss moved most, of those that must not move."""
    largest: float
    """By how much, in nats."""
    mean: float
    """Mean change of all entries that must not move, in nats."""
    beyond: bool
    """Whether that is more than rounding."""
    first_moved: int = -1
    """The first entry that moved by more than rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Documents scored once more in another company, and what moved; or what a scorer knows that nobody can know, or
    offers and does not score with."""

    kind: str
    document: int
    position: int
    largest: float
    mean: float
    beyond: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """The judgment on one scorer."""

    judged: bool
    """Whether the budget was enough to look into every document's future and to add up a vocabulary as a whole."""
    findings: tuple[Finding, ...]
    sums: tuple[Sum, ...]
    changes: tuple[Change, ...]
    contexts: tuple[Context, ...]
    placement: Mapping[str, Any]
    """Documents judged, precision measured, budget and what it was spent on, what was left out."""

    @property
    def passed(self) -> bool:
        """Whether enough was probed and no condition broken; looking at a document's length alone breaks none."""
        return self.judged and all(finding.condition == "length" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The certificate as plain data."""
        probes: dict[str, Any] = {
            **self.placement,
            "vocabulary": [asdict(one) for one in self.sums],
            "future": [asdict(one) for one in self.changes],
            "context": [asdict(one) for one in self.contexts],
        }
        return {
            "passed": self.passed,
            "judged": self.judged,
            "findings": [asdict(one) for one in self.findings],
            "probes": probes,
        }
