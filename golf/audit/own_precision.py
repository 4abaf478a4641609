"""Rounding in an entry's own precision: a short second pass after the audit in float32.

An audit judges a protocol, and in float32 a leak and rounding lie five orders of magnitude apart. On a GPU the entry is
scored in bfloat16, where they come nearer: two batches give one token losses that differ by 0.025 nats, and float32
differs by 0.27. So the protocol is judged in float32, and this pass shows that bfloat16 adds rounding and nothing else:
what must not change a loss may change it by noise, whose mean stays below the bounds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golf.audit.certificate import Condition, Finding
from golf.audit.scorer.checked_scorer import Floats, Scorer, Tokens
from golf.audit.scorer.documents import choose_documents
from golf.model.precision import Precision

LENGTHS = (24, 150, 600, 1300)
"""Tokens of the documents; the last one is longer than a window."""
SUM_POSITION = 12
"""Position in the shortest document whose vocabulary is summed up."""
MAX_DOCUMENT_MEAN_NATS = 5e-3
"""A document's mean loss may change by this: the contest's margin, far above what neighbors change (1.5e-5 with the
bundled models on a CPU), and an eighth of what a second pass over a document gives away there (0.04)."""
MAX_MEAN_NATS = 5e-4
"""The mean over all documents may change by this: a tenth of the margin."""
MAX_RATIO = 3.0
"""Losses that differ from each other by rounding are at most twice as far apart as each is from float32's."""
MAX_SIZE_NATS = 0.1
"""Rounding takes losses no further than this from float32's (root mean square); 0.034 was measured, with any preset."""
MAX_FROM_FLOAT32_NATS = 0.05
"""Nor a document's mean further than this; 0.012 was measured."""
MAX_SUM_ERROR = 5e-3
"""Probabilities may sum to 1 plus or minus this; a loss scaled by 0.98 gives 1.09 and more."""
STANDARD_ERRORS = 4.0
"""Noise without a direction has a mean within this many standard errors."""
MOST_BOUNDS = 10.0
"""But no noise is let pass whose mean is this many times the bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """How losses differ that must be equal but for rounding, in nats."""

    kind: str
    """What was compared, in words."""
    largest: float
    """Of one token."""
    document_mean: float
    """Largest mean of one document."""
    mean: float
    """Over all tokens, with its sign."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPrecision:
    """The result of the pass."""

    precision: Precision
    from_float32: Deviation
    """From the losses that float32 gives; it decides `same`."""
    deviations: tuple[Deviation, ...]
    sum_error: float
    """How far from 1 the probabilities of the vocabulary sum, at one position."""
    same: bool
    """Whether it computes what was judged in float32, but for rounding."""
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, without its findings."""
        return {
            "precision": self.precision,
            "from_float32": asdict(self.from_float32),
            "deviations": [asdict(deviation) for deviation in self.deviations],
            "sum_error": self.sum_error,
            "same": self.same,
            "bounds": {
                "document_mean": MAX_DOCUMENT_MEAN_NATS, "mean": MAX_MEAN_NATS, "sum_error": MAX_SUM_ERROR,
            },
        }  # fmt: skip


def measure_own_precision(
    exact: Scorer, own: Scorer, precision: Precision, given: Sequence[Tokens], *, vocab_size: int, seed: int = 0
) -> OwnPrecision:
    """Compare a scorer in its own precision with itself, in calls whose losses must be equal but for rounding.

    Args:
        exact: the scorer in float32, which has passed an audit or not.
        own: the scorer in its own precision.
        precision: the name of that precision.
        given: documents to choose from, BOS first.
        vocab_size: the number of token ids.
        seed: of the choice of documents and changes.
    """
    rng = np.random.default_rng(seed)
    chosen = choose_documents(given, LENGTHS, vocab_size, rng, len(given))
    documents = [document.tokens for document in chosen]
    base = _score(own, documents)
    from_float32 = _steps(base, _score(exact, documents))
    size, distance = _root_mean_square(from_float32), _summarize("the losses in float32", from_float32)
    deviations: list[Deviation] = []
    findings: list[Finding] = []
    for condition, kind, losses, expected in _calls(own, documents, base, vocab_size, rng):
        steps = _steps(losses, expected)
        deviations.append(_summarize(kind, steps))
        if not _is_rounding(steps, size):
            findings.append(_finding(condition, precision, deviations[-1]))
    p_V = _probabilities(own, documents[0], vocab_size)
    total, noise = float(p_V.sum()), float(np.max([deviation.largest for deviation in deviations[:3]]))
    # Variants are scored in batches of several sizes: that of a likely token moves by its rounding.
    if not abs(total - 1) <= max(MAX_SUM_ERROR, min(2 * float(p_V.max()) * noise, MOST_BOUNDS * MAX_SUM_ERROR)):
        detail = f"in {precision} probabilities sum to {total:.4g}; they must sum to 1"
        findings.append(
            Finding(condition="C2", document=chosen[0].number, position=SUM_POSITION, measured=total, detail=detail)
        )
    return OwnPrecision(
        precision=precision,
        from_float32=distance,
        deviations=tuple(deviations),
        sum_error=abs(total - 1),
        same=size <= MAX_SIZE_NATS and distance.document_mean <= MAX_FROM_FLOAT32_NATS,
        findings=tuple(findings),
    )


def _calls(
    own: Scorer, documents: list[Tokens], base: list[Floats], vocab_size: int, rng: np.random.Generator
) -> Iterator[tuple[Condition, str, list[Floats], list[Floats]]]:
    """The condition that a call tests, the call in words, its losses, and the losses that they must equal."""
    yield "nondeterminism", "the same call made twice", _score(own, documents), base
    yield "cross-document", "scored alone", [_score(own, [document])[0] for document in documents], base
    yield "cross-document", "in a reversed list", _score(own, documents[::-1])[::-1], base
    halves = [document.size // 2 for document in documents]
    changed = [document.copy() for document in documents]
    for document, half in zip(changed, halves, strict=True):
        # A step of 1 … V − 1 gives every later token another value.
        document[half:] = (document[half:] + rng.integers(1, vocab_size, document.size - half)) % vocab_size
    before = [losses[: half - 1] for losses, half in zip(_score(own, changed), halves, strict=True)]
    yield "C1", "the second half changed", before, [nll[: half - 1] for nll, half in zip(base, halves, strict=True)]


def _score(scorer: Scorer, documents: Sequence[Tokens]) -> list[Floats]:
    return [np.asarray(losses, np.float64) for losses in scorer([document.copy() for document in documents])]


def _steps(losses: Sequence[Floats], expected: Sequence[Floats]) -> list[Floats]:
    """The differences in each document, in nats."""
    return [these - those for these, those in zip(losses, expected, strict=True)]


def _summarize(kind: str, steps: Sequence[Floats]) -> Deviation:
    together = np.concatenate(steps)
    return Deviation(
        kind=kind,
        largest=float(np.abs(together).max()),
        document_mean=float(np.max([abs(step.mean()) for step in steps])),
        mean=float(together.mean()),
    )


def _root_mean_square(steps: Sequence[Floats]) -> float:
    return float(np.sqrt(np.square(np.concatenate(steps)).mean()))


def _is_rounding(steps: Sequence[Floats], size: float) -> bool:
    """Whether the differences are no larger than rounding, and noise in every document and together.

    `size` is how far rounding takes losses from those in float32 (root mean square).
    """
    noise = all(_is_noise(step, MAX_DOCUMENT_MEAN_NATS) for step in steps)
    return noise and _is_noise(np.concatenate(steps), MAX_MEAN_NATS) and _root_mean_square(steps) <= MAX_RATIO * size


def _is_noise(step: Floats, bound: float) -> bool:
    """Whether the mean is below the bound, or within what noise without a direction leaves; NaN is no noise."""
    error = float(step.std()) / np.sqrt(step.size)
    return bool(abs(step.mean()) <= max(bound, min(STANDARD_ERRORS * error, MOST_BOUNDS * bound)))


def _probabilities(own: Scorer, document: Tokens, vocab_size: int) -> Floats:
    """The probability of every token at one position, float64 [vocab_size]."""
    variants = np.repeat(document[None, : SUM_POSITION + 1], vocab_size, axis=0)
    variants[:, SUM_POSITION] = np.arange(vocab_size)
    return np.exp([-losses[-1] for losses in _score(own, list(variants))])


def _finding(condition: Condition, precision: str, deviation: Deviation) -> Finding:
    detail = (
        f"in {precision}, {deviation.kind}: a loss changes by {deviation.largest:.2g} nats, a document's mean by "
        f"{deviation.document_mean:.2g} and the mean of all by {deviation.mean:+.2g}; this is more than rounding"
    )
    return Finding(condition=condition, document=-1, position=-1, measured=deviation.document_mean, detail=detail)
