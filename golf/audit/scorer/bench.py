"""The bench that probes work on: the judged documents, their reference scores, and calls that keep to the budget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Context, Finding
from golf.audit.scorer.black_box import BlackBox, Floats, ScorerFault, Tokens
from golf.audit.scorer.documents import Judged
from golf.audit.scorer.journal import Call, Journal
from golf.audit.scorer.precision import COARSE, FP32_BITS, REPEATED, Precision, is_noise

STACK = 200_000
"""Predictions of the variants that go into one call, at most."""
CALL_SHARE = 0.1
"""Of the budget for one call of variants: a call ten times slower than the last ones is still no hang."""
LEAST_STACK = 8
PATIENCE_SHARE = 0.4
"""Of what a call may take before it counts as hanging, for one call of variants."""
OVERDRAFT = 10.0
"""The least program may take this many times the budget."""


class Unjudgeable(Exception):
    """The audit cannot go on; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


@dataclass(slots=True, kw_only=True)
class Bench:
    """One audit's state."""

    box: BlackBox
    vocab_size: int
    ordered: bool
    """Whether the scorer declares state over the documents already scored, in the order of the list."""
    rng: np.random.Generator
    clock: Callable[[], float]
    """Seconds from any origin."""
    seconds: float
    """The budget."""
    started: float = field(init=False)
    judged: list[Judged] = field(default_factory=list)
    listed: int = 0
    """How many of them, from the first on, are scored in lists; the others only ever alone."""
    reference: list[Floats] = field(default_factory=list)
    """The losses of all judged documents, of those listed from one natural call."""
    natural: list[Floats] = field(default_factory=list)
    """The same, kept where `reference` has to be taken from documents scored alone."""
    precision: Precision = field(default_factory=lambda: Precision(bits=FP32_BITS, coarse=False))
    stacked: bool = True
    """Whether variants of one document may share a call: not where documents are known to disturb each other."""
    bytes_per_target: float = 0.0
    """Of the documents' text; 0 where it is not known."""
    journal: Journal = field(default_factory=Journal)
    cost: dict[tuple[int, bool], float] = field(default_factory=dict)
    """Seconds for one prediction of each judged document, by its place, and whether it is cut short."""

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def spent(self) -> float:
        """Seconds since the audit began."""
        return self.clock() - self.started

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.seconds - self.spent

    @property
    def overdraft(self) -> float:
        """Seconds that are left for what has to be done to judge at all."""
        return self.left + (OVERDRAFT - 1) * self.seconds

    @property
    def repeatable(self) -> float:
        """What the scores of one call may differ by when it is repeated, relative, beyond fp32's rounding.

        A CPU adds up in the same order every time; only where half precision shows, or an accelerator is at work, may
        the order be another one.
        """
        return REPEATED if self.precision.coarse or self.box.accelerated else 0.0

    def estimate(self, place: int, predictions: int, *, cut: bool = False) -> float:
        """Seconds that so many predictions of variants of a document are going to take, whole or cut short."""
        known = self.cost.get((place, cut), self.cost[place, False])
        return known * predictions * (place + 1 if self.ordered else 1)

    def call(self, documents: Sequence[Tokens], numbers: Sequence[int]) -> list[Floats]:
        """One call; `numbers` are the documents' in the certificate.

        Raises:
            Unjudgeable: no losses came out.
        """
        try:
            losses = self.box.score(documents)
        except ScorerFault as fault:
            raise Unjudgeable(fault.finding(numbers)) from None
        self.journal.calls.append(Call(documents=documents, numbers=numbers, losses=losses))
        return losses

    def settle(self) -> None:
        """Begin another probe."""
        self.journal.settle([*self.reference, *self.natural])

    def confirm(self, kind: str, *losses: Floats) -> None:
        """Repeat what the first evidence of a kind rests on: what differs without a change is no evidence of one.

        That is the calls that gave some losses, or those of the probe that it comes from.

        Raises:
            Unjudgeable: a call gave other scores this time.
        """
        for call in self.journal.unconfirmed(kind, losses, [*self.reference, *self.natural]):
            again = self.call(call.documents, call.numbers)
            found = self._hold("the same call once more", call.numbers, again, call.losses, self.repeatable)
            if found.beyond:
                raise Unjudgeable(not_repeated(found))

    def offer(self, document: Tokens, entry: int, number: int) -> Floats:
        """The probabilities that the scorer says it has for an entry of a document, float64 [vocab_size].

        Raises:
            Unjudgeable: it gave none.
        """
        try:
            p_V = self.box.distribution(document, entry)
            if p_V.size != self.vocab_size:
                raise ScorerFault("C2", f"offers {p_V.size} probabilities for {self.vocab_size} tokens", 0, entry)
        except ScorerFault as fault:
            raise Unjudgeable(fault.finding([number])) from None
        return p_V

    def count_bytes(self, place: int) -> NDArray[np.int64]:
        """The bytes that the scorer counts for each target of a judged document.

        Raises:
            Unjudgeable: it gave none.
        """
        try:
            return self.box.byte_counts(self.judged[place].tokens)
        except ScorerFault as fault:
            raise Unjudgeable(fault.finding([self.judged[place].number])) from None

    def all(self, chosen: Sequence[int] | None = None) -> list[Floats]:
        """Judged documents (by place, in this order) as they are, in one call; all that are listed where None."""
        places = range(self.listed) if chosen is None else chosen
        judged = [self.judged[place] for place in places]
        return self.call([one.tokens for one in judged], [one.number for one in judged])

    def variants(self, place: int, variants: Sequence[Tokens]) -> list[Floats]:
        """The losses of variants of a judged document, in the order given.

        In calls of as many as go together, shuffled, so that no place in a list is always the true document's; alone,
        each in a call of its own; under declared order, each behind the documents before it.
        """
        started = self.clock()
        found = self._variants(place, variants)
        predictions = sum(variant.size - 1 for variant in variants) * (place + 1 if self.ordered else 1)
        cut = max(variant.size for variant in variants) < self.judged[place].tokens.size
        self.cost[place, cut] = (self.clock() - started) / max(1, predictions)
        return found

    def _variants(self, place: int, variants: Sequence[Tokens]) -> list[Floats]:
        number = self.judged[place].number
        if self.ordered:
            lead = [one.tokens for one in self.judged[:place]]
            numbers = [one.number for one in self.judged[: place + 1]]
            return [self.call([*lead, variant], numbers)[-1] for variant in variants]
        if not self.stacked:
            return [self.call([variant], [number])[0] for variant in variants]
        found: dict[int, Floats] = {}
        shuffled = [int(index) for index in self.rng.permutation(len(variants))]
        longest = max(variant.size for variant in variants)
        seconds = self.estimate(place, longest, cut=longest < self.judged[place].tokens.size)
        each = max(1e-9, seconds)
        wanted = min(STACK // longest, max(LEAST_STACK, CALL_SHARE * self.seconds / each))
        size = max(1, int(min(wanted, PATIENCE_SHARE * self.box.call_seconds / each)))
        for first in range(0, len(shuffled), size):
            part = shuffled[first : first + size]
            losses = self.call([variants[index] for index in part], [number] * len(part))
            found |= dict(zip(part, losses, strict=True))
        return [found[index] for index in range(len(variants))]

    def compare(
        self,
        kind: str,
        places: Sequence[int],
        found: Sequence[Floats],
        expected: Sequence[Floats],
        *,
        repeated: bool = False,
    ) -> Context:
        """Hold scores of judged documents that ought to be equal against each other; learn from what is only rounding.

        `repeated`: they come from the same call, made again.

        Raises:
            Unjudgeable: they differ, but so do those of the same calls made again.
        """
        numbers = [self.judged[place].number for place in places]
        context = self._hold(kind, numbers, found, expected, self.repeatable if repeated else COARSE)
        if context.beyond and not repeated:
            worst = numbers.index(context.document)
            self.confirm("company", found[worst], expected[worst])
        return context

    def _hold(
        self, kind: str, numbers: Sequence[int], found: Sequence[Floats], expected: Sequence[Floats], limit: float
    ) -> Context:
        """The same for documents by their numbers; what looks like noise of up to `limit`, relative, is rounding."""
        differences = [one - other for one, other in zip(found, expected, strict=True)]
        excess = [
            np.abs(difference) / self.precision.tolerance(nll)
            for difference, nll in zip(differences, expected, strict=True)
        ]
        worst = max(range(len(numbers)), key=lambda index: float(excess[index].max()))
        entry = int(excess[worst].argmax())
        difference = np.concatenate(differences)
        beyond = bool(excess[worst][entry] > 1)
        if beyond and is_noise(difference, np.concatenate(list(expected)), limit):
            self.learn_noise(float(np.abs(difference).max()))
            beyond = False
        return Context(
            kind=kind,
            document=numbers[worst],
            position=entry + 1,
            largest=float(np.abs(differences[worst][entry])),
            mean=float(difference.mean()),
            beyond=beyond,
        )

    def learn_noise(self, nats: float) -> None:
        """Equal scores were seen to differ by so much."""
        self.precision = replace(self.precision, noise=max(self.precision.noise, nats))


def not_repeated(found: Context) -> Finding:
    """That the same call gave other scores."""
    return Finding(
        condition="nondeterminism",
        document=found.document,
        position=found.position,
        measured=found.largest,
        detail=f"{found.kind} gives other scores: {found.largest:.3g} nats at one token",
    )


def directional(differences: Floats) -> bool:
    """Whether differences lean to one side by more than five standard errors."""
    if differences.size < 2 or not differences.any():
        return False
    error = float(differences.std(ddof=1)) / math.sqrt(differences.size)
    return abs(float(differences.mean())) > 5 * error
