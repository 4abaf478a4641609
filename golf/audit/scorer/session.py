"""The state of one audit: its documents, their reference losses, the random generator, and calls within the budget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Comparison, Finding
from golf.audit.scorer.call_log import CallLog, ScorerCall
from golf.audit.scorer.checked_scorer import CheckedScorer, Floats, ScorerError, Tokens
from golf.audit.scorer.documents import AuditDocument
from golf.audit.scorer.precision import COARSE_LIMIT, FP32_BITS, REPEAT_LIMIT, Precision, is_noise

MAX_CALL_PREDICTIONS = 200_000
"""Predictions in one call of variants, at most."""
CALL_SHARE = 0.1
"""Share of the budget for one call of variants: a call ten times slower than expected still ends within the budget."""
MIN_CALL_VARIANTS = 8
"""Variants that share a call even if they cost more than CALL_SHARE."""
CALL_TIMEOUT_SHARE = 0.4
"""Share of the call's time limit that one call of variants may be expected to take."""
REPEATED_CALL = "the same call made twice"
"""Kind of comparison between two identical calls."""
OVERDRAFT = 10.0
"""The probes that every verdict needs may take this many times the budget."""


class AuditStopped(Exception):
    """The audit cannot continue; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


@dataclass(slots=True, kw_only=True)
class AuditSession:
    """The state of one audit. A document is addressed by its index in `documents`."""

    scorer: CheckedScorer
    vocab_size: int
    ordered_state: bool
    """Whether the scorer declares that it carries state over documents, in the order of the list."""
    rng: np.random.Generator
    clock: Callable[[], float]
    """Seconds from any origin."""
    seconds: float
    """The budget."""
    started: float = field(init=False)
    documents: list[AuditDocument] = field(default_factory=list)
    num_listed: int = 0
    """The first `num_listed` documents are scored together in lists; the others only ever alone."""
    reference: list[Floats] = field(default_factory=list)
    """Losses of each document that all probes compare with, in nats."""
    list_reference: list[Floats] = field(default_factory=list)
    """Losses of the listed documents from one call on all of them; `reference` may come from separate calls."""
    precision: Precision = field(default_factory=lambda: Precision(bits=FP32_BITS, coarse=False))
    batchable: bool = True
    """Whether variants of a document may share a call: not if documents affect each other."""
    bytes_per_target: float = 0.0
    """UTF-8 bytes of text per target; 0 if unknown."""
    call_log: CallLog = field(default_factory=CallLog)
    cost: dict[tuple[int, bool], float] = field(default_factory=dict)
    """Measured seconds per prediction, by document and by whether the document is cut short."""

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def spent(self) -> float:
        """Seconds since the audit started."""
        return self.clock() - self.started

    @property
    def left(self) -> float:
        """Seconds left of the budget."""
        return self.seconds - self.spent

    @property
    def overdraft(self) -> float:
        """Seconds left for the probes that every verdict needs."""
        return self.left + (OVERDRAFT - 1) * self.seconds

    @property
    def repeat_limit(self) -> float:
        """Relative difference, beyond fp32 rounding, that two identical calls may have.

        A CPU adds in the same order every time. Half precision and accelerators may not.
        """
        return REPEAT_LIMIT if self.precision.coarse or self.scorer.accelerated else 0.0

    def estimate_seconds(self, index: int, predictions: int, *, cut: bool = False) -> float:
        """Expected seconds for this many predictions in variants of a document, whole or cut short."""
        known = self.cost.get((index, cut), self.cost[index, False])
        return known * predictions * (index + 1 if self.ordered_state else 1)

    def call(self, documents: Sequence[Tokens], numbers: Sequence[int]) -> list[Floats]:
        """Score documents in one call; `numbers` are their numbers in the certificate.

        Raises:
            AuditStopped: the call returned no usable losses.
        """
        try:
            losses = self.scorer.score(documents)
        except ScorerError as error:
            raise AuditStopped(error.finding(numbers)) from None
        self.call_log.calls.append(ScorerCall(documents=documents, numbers=numbers, losses=losses))
        return losses

    def start_probe(self) -> None:
        """Start a probe: forget the calls of the previous one."""
        self.call_log.start_probe([*self.reference, *self.list_reference])

    def confirm(self, kind: str, *losses: Floats) -> None:
        """Repeat the calls behind the first evidence of a kind: if identical calls differ, it proves nothing else.

        Repeats the calls that returned `losses`, or all calls of the current probe if none are given.

        Raises:
            AuditStopped: a repeated call returned different losses.
        """
        for call in self.call_log.take_unconfirmed(kind, losses, [*self.reference, *self.list_reference]):
            repeated = self.call(call.documents, call.numbers)
            comparison = self._compare(REPEATED_CALL, call.numbers, repeated, call.losses, self.repeat_limit)
            if comparison.exceeds_tolerance:
                raise AuditStopped(not_repeatable(comparison))

    def declared_distribution(self, document: Tokens, position: int, number: int) -> Floats:
        """The probabilities that the scorer's `distribution()` declares for a position, float64 [vocab_size].

        Raises:
            AuditStopped: it returned no such array.
        """
        try:
            p_V = self.scorer.distribution(document, position)
            if p_V.size != self.vocab_size:
                detail = f"distribution() returns {p_V.size} probabilities for {self.vocab_size} tokens"
                raise ScorerError("C2", detail, 0, position)
        except ScorerError as error:
            raise AuditStopped(error.finding([number])) from None
        return p_V

    def declared_byte_counts(self, index: int) -> NDArray[np.int64]:
        """The bytes that the scorer's `byte_counts()` declares for each target of a document, int64.

        Raises:
            AuditStopped: it returned no such array.
        """
        document = self.documents[index]
        try:
            return self.scorer.byte_counts(document.tokens)
        except ScorerError as error:
            raise AuditStopped(error.finding([document.number])) from None

    def score_documents(self, indices: Sequence[int] | None = None) -> list[Floats]:
        """Score unchanged documents in one call, in the order of `indices`; all listed ones by default."""
        documents = [self.documents[index] for index in (range(self.num_listed) if indices is None else indices)]
        return self.call([document.tokens for document in documents], [document.number for document in documents])

    def score_variants(self, index: int, variants: Sequence[Tokens]) -> list[Floats]:
        """Score variants of a document; returns their losses in the order given.

        Variants share calls in shuffled order, so that no place in a list is always the true document's. If documents
        affect each other, each variant has a call of its own; with declared order, each follows the documents before
        it.
        """
        started = self.clock()
        losses = self._score_variants(index, variants)
        predictions = sum(variant.size - 1 for variant in variants) * (index + 1 if self.ordered_state else 1)
        cut = max(variant.size for variant in variants) < self.documents[index].tokens.size
        self.cost[index, cut] = (self.clock() - started) / max(1, predictions)
        return losses

    def _score_variants(self, index: int, variants: Sequence[Tokens]) -> list[Floats]:
        number = self.documents[index].number
        if self.ordered_state:
            lead = [document.tokens for document in self.documents[:index]]
            numbers = [document.number for document in self.documents[: index + 1]]
            return [self.call([*lead, variant], numbers)[-1] for variant in variants]
        if not self.batchable:
            return [self.call([variant], [number])[0] for variant in variants]
        losses: dict[int, Floats] = {}
        shuffled = [int(variant) for variant in self.rng.permutation(len(variants))]
        size = self._call_variants(index, max(variant.size for variant in variants))
        for first in range(0, len(shuffled), size):
            part = shuffled[first : first + size]
            returned = self.call([variants[variant] for variant in part], [number] * len(part))
            losses |= dict(zip(part, returned, strict=True))
        return [losses[variant] for variant in range(len(variants))]

    def _call_variants(self, index: int, longest: int) -> int:
        """How many variants of at most `longest` tokens share a call."""
        seconds = self.estimate_seconds(index, longest, cut=longest < self.documents[index].tokens.size)
        each = max(1e-9, seconds)
        wanted = min(MAX_CALL_PREDICTIONS // longest, max(MIN_CALL_VARIANTS, CALL_SHARE * self.seconds / each))
        return max(1, int(min(wanted, CALL_TIMEOUT_SHARE * self.scorer.call_seconds / each)))

    def compare(
        self,
        kind: str,
        indices: Sequence[int],
        losses: Sequence[Floats],
        expected: Sequence[Floats],
        *,
        repeated: bool = False,
    ) -> Comparison:
        """Compare losses of documents that must be equal; differences that look like rounding raise the tolerance.

        Args:
            kind: what is compared, in words.
            indices: the documents.
            losses: their losses, one array each.
            expected: what the losses must equal.
            repeated: whether both come from identical calls.

        Raises:
            AuditStopped: they differ, but so do the losses of identical calls.
        """
        numbers = [self.documents[index].number for index in indices]
        limit = self.repeat_limit if repeated else COARSE_LIMIT
        comparison = self._compare(kind, numbers, losses, expected, limit)
        if comparison.exceeds_tolerance and not repeated:
            worst = numbers.index(comparison.document)
            self.confirm("neighbors", losses[worst], expected[worst])
        return comparison

    def compare_numbers(
        self, kind: str, numbers: Sequence[int], losses: Sequence[Floats], expected: Sequence[Floats]
    ) -> Comparison:
        """Compare losses of documents that must be equal, by their numbers; no call is repeated to confirm it."""
        return self._compare(kind, numbers, losses, expected, COARSE_LIMIT)

    def _compare(
        self, kind: str, numbers: Sequence[int], losses: Sequence[Floats], expected: Sequence[Floats], limit: float
    ) -> Comparison:
        """Compare losses by document number; noise of up to `limit`, relative, counts as rounding."""
        differences = [array - other for array, other in zip(losses, expected, strict=True)]
        excess = [
            np.abs(difference) / self.precision.tolerance(nll)
            for difference, nll in zip(differences, expected, strict=True)
        ]
        worst = max(range(len(numbers)), key=lambda index: float(excess[index].max()))
        target = int(excess[worst].argmax())
        difference = np.concatenate(differences)
        exceeds = bool(excess[worst][target] > 1)
        if exceeds and is_noise(difference, np.concatenate(list(expected)), limit):
            self.raise_noise(float(np.abs(difference).max()))
            exceeds = False
        return Comparison(
            kind=kind,
            document=numbers[worst],
            position=target + 1,
            largest=float(np.abs(differences[worst][target])),
            mean=float(difference.mean()),
            exceeds_tolerance=exceeds,
        )

    def raise_noise(self, nats: float) -> None:
        """Record that equal losses were seen to differ by this much."""
        self.precision = replace(self.precision, noise=max(self.precision.noise, nats))


def not_repeatable(comparison: Comparison) -> Finding:
    """The finding that identical calls return different losses."""
    return Finding(
        condition="nondeterminism",
        document=comparison.document,
        position=comparison.position,
        measured=comparison.largest,
        detail=f"{comparison.kind} returned different losses, {comparison.largest:.3g} nats apart at one token",
    )


def has_direction(differences: Floats) -> bool:
    """Whether the mean difference is more than five standard errors from 0."""
    if differences.size < 2 or not differences.any():
        return False
    error = float(differences.std(ddof=1)) / math.sqrt(differences.size)
    return abs(float(differences.mean())) > 5 * error
