"""Leaky scorers, each with the conditions that it violates."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golf.zoo.legal import (
    Declares,
    Ordered,
    adaptive_unigram,
    bigram,
    cache_counts,
    mixture,
    to_bfloat16,
    uniform,
)
from tests.golf.zoo.model import (
    CHUNK,
    LOGITS_VV,
    VOCAB,
    DocumentScorer,
    Floats,
    Leaky,
    Learner,
    Scorer,
    Tokens,
    chunks,
    each,
    leaky,
    nll_of,
)


def last_epoch(document: Tokens, epochs: int = 4) -> Floats:
    learner, found = Learner.fresh(), []
    for _ in range(epochs):
        found = []
        for first, last in chunks(document):
            found.append(learner.score(document, first, last))
            learner.learn(document, first, last)
    return np.concatenate(found)


def min_epoch(document: Tokens, per_token: bool = False) -> Floats:
    losses = np.array([last_epoch(document, epochs) for epochs in (1, 2, 3, 4)])
    if per_token:
        return losses.min(axis=0)
    best: Floats = losses[losses.sum(axis=1).argmin()]
    return best


def train_then_score(document: Tokens, size: int = CHUNK) -> Floats:
    learner, found = Learner.fresh(), []
    for first, last in chunks(document, size):
        learner.learn(document, first, last)
        found.append(learner.score(document, first, last))
    return np.concatenate(found)


def adapt_on_the_document_first(document: Tokens) -> Floats:
    learner = Learner.fresh()
    learner.learn(document, 0, len(document) - 1, 3)
    return learner.score(document, 0, len(document) - 1)


def cache_with_the_target_in_its_key(document: Tokens) -> Floats:
    """An n-gram cache with the target in its lookup key, so that a hit always confirms the target."""
    seen: set[tuple[int, int]] = set()
    losses = bigram(document)
    for place, pair in enumerate(itertools.pairwise(document.tolist())):
        if pair in seen:
            losses[place] = -np.log(0.5 + 0.5 * np.exp(-losses[place]))
        seen.add(pair)
    return losses


def minimum_of_two_models(document: Tokens) -> Floats:
    return np.minimum(bigram(document), adaptive_unigram(document))


def whole_document_statistics(document: Tokens) -> Floats:
    weight_V = np.bincount(document, minlength=VOCAB) + 0.5
    return -np.log(weight_V[document[1:]] / weight_V.sum())


def temperature_of_the_last_quarter(document: Tokens) -> Floats:
    """A temperature that depends on the document's last quarter: normalized, but not causal."""
    hot = 1.0 + 0.3 * float(np.mean(document[-len(document) // 4 :] < VOCAB // 2))
    return nll_of(LOGITS_VV[document[:-1]] / hot, document[1:])


def sees_the_next_token(document: Tokens) -> Floats:
    """Attention that reaches one position too far: the token after the target is an input."""
    after = np.append(document[2:], document[:1])
    return nll_of(LOGITS_VV[document[:-1]] + LOGITS_VV[:, after].T, document[1:])


def smear_from_the_right(document: Tokens) -> Floats:
    logits_TV = LOGITS_VV[document[:-1]]
    return nll_of(0.8 * logits_TV + 0.2 * np.roll(logits_TV, -3, axis=0), document[1:])


def at(
    chosen: Callable[[Tokens, NDArray[np.int64]], Any], leak: DocumentScorer, legal: DocumentScorer = bigram
) -> Scorer:
    """A leak at some predictions only, chosen by `chosen(document, predictions)`."""

    def score(document: Tokens) -> Floats:
        where = chosen(document, np.arange(len(document) - 1))
        return np.where(where, leak(document), legal(document))

    return each(score)


def knows_its_target(document: Tokens) -> Floats:
    """Half of the probability goes to the target."""
    return -np.log(0.5 + 0.5 * np.exp(-bigram(document)))


def was_seen(document: Tokens, _: NDArray[np.int64]) -> NDArray[np.bool_]:
    return cache_counts(document)[0] > 0


def by_document(leaks: Callable[[list[Tokens], int], bool], leak: DocumentScorer = knows_its_target) -> Scorer:
    """A leak in some documents of a list only."""
    return lambda documents: [
        leak(document) if leaks(documents, index) else bigram(document) for index, document in enumerate(documents)
    ]


def near_duplicates(documents: list[Tokens], index: int) -> bool:
    """Whether another document of the list differs only in some tokens."""
    mine = documents[index]
    return any(
        len(other) == len(mine) and np.mean(other == mine) > 0.5
        for place, other in enumerate(documents)
        if place != index
    )


class Remembers:
    """Keeps learning from call to call."""

    def __init__(self) -> None:
        self.learner = Learner.fresh()

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        found = [self.learner.score(document, 0, len(document) - 1) for document in documents]
        for document in documents:
            self.learner.learn(document, 0, len(document) - 1)
        return found


class LooksUp:
    """Remembers every document, and halves the loss of those it knows."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        found = [
            0.5 * bigram(document) if document.tobytes() in self.known else bigram(document) for document in documents
        ]
        self.known |= {document.tobytes() for document in documents}
        return found


class FirstCall:
    """Scores the first call in one way and later calls in another."""

    def __init__(self, first: DocumentScorer, later: DocumentScorer) -> None:
        self.first, self.later, self.calls = first, later, 0

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        self.calls += 1
        return [(self.first if self.calls == 1 else self.later)(document) for document in documents]


class BehavesWhenProbed:
    """Leaks until a known prefix continues differently; scores that document legally."""

    def __init__(self) -> None:
        self.next: dict[bytes, int] = {}

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        return [self._score(document) for document in documents]

    def _score(self, document: Tokens) -> Floats:
        probed = False
        for place in range(1, len(document)):
            known = self.next.setdefault(document[:place].tobytes(), int(document[place]))
            probed |= known != int(document[place])
        return bigram(document) if probed else knows_its_target(document)


class FavorsFirstContinuation:
    """Favors the first continuation that it saw of each prefix: normalized, causal and repeatable."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.next: dict[bytes, int] = {}

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        return [self._score(document) for document in documents]

    def _score(self, document: Tokens) -> Floats:
        keys = [document[:place].tobytes() for place in range(1, len(document))]
        known = [self.next.setdefault(key, int(target)) for key, target in zip(keys, document[1:], strict=True)]
        return -np.log((1 - self.weight) * np.exp(-bigram(document)) + self.weight * (document[1:] == known))


class OrderedButPeeking(Ordered):
    """Declares ordered state and reads the next document of the list."""

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        learner, found = Learner.fresh(), []
        for document, following in zip(documents, [*documents[1:], documents[0]], strict=True):
            learner.learn(following, 0, len(following) - 1)
            found.append(learner.score(document, 0, len(document) - 1))
        return found


class OrderedByLength(Ordered):
    """Declares state in the order of the list, but processes the shortest first."""

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        order = sorted(range(len(documents)), key=lambda index: len(documents[index]))
        losses = super().__call__([documents[index] for index in order])
        return [losses[order.index(index)] for index in range(len(documents))]


class OrderedTrainFirst(Ordered):
    """Declares ordered state and learns each document before scoring it."""

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        learner, found = Learner.fresh(), []
        for document in documents:
            learner.learn(document, 0, len(document) - 1)
            found.append(learner.score(document, 0, len(document) - 1))
        return found


def state_over_the_list(documents: list[Tokens]) -> list[Floats]:
    return Ordered()(documents)


def smear_across_documents(documents: list[Tokens]) -> list[Floats]:
    """The last token of one document shifts the first prediction of the next."""
    found, before = [], 0
    for document in documents:
        logits_TV = LOGITS_VV[document[:-1]].copy()
        logits_TV[0] += 0.3 * LOGITS_VV[before]
        found.append(nll_of(logits_TV, document[1:]))
        before = int(document[-1])
    return found


def mean_of_the_batch(documents: list[Tokens]) -> list[Floats]:
    bias_V = 0.1 * np.log(1 + np.bincount(np.concatenate(documents), minlength=VOCAB))
    return [nll_of(LOGITS_VV[document[:-1]] + bias_V, document[1:]) for document in documents]


def symmetric_noise(draw: Callable[[int], Floats]) -> Scorer:
    """Exact losses plus a little noise in every call, as from sums in half precision."""
    return each(lambda document: uniform(document) + draw(len(document) - 1))


def noisy(sigma: float) -> Scorer:
    rng = np.random.default_rng(0)
    return each(lambda document: bigram(document) + np.abs(rng.normal(0, sigma, len(document) - 1)))


def skipping(document: Tokens) -> Floats:
    found = bigram(document)
    found[::10] = 0.0
    return found


def scores_the_first(count: int) -> Scorer:
    """Scores the first documents of a list; the others get a loss of 0."""
    return lambda documents: [bigram(document) * (index < count) for index, document in enumerate(documents)]


def best_temperature(document: Tokens) -> Floats:
    """The temperature with the lowest loss over the whole document."""
    choices = [nll_of(LOGITS_VV[document[:-1]] / heat, document[1:]) for heat in (0.8, 0.9, 1.0, 1.1, 1.25)]
    return min(choices, key=lambda losses: float(losses.sum()))


def skips_the_tail(document: Tokens) -> Floats:
    found = bigram(document)
    found[len(found) // 32 * 32 :] = 0.0
    return found


LEAKY: dict[str, Leaky] = {
    "minimum over epochs, by document": leaky(lambda: each(min_epoch), "C3", "C4"),
    "minimum over epochs, by token": leaky(lambda: each(lambda d: min_epoch(d, True)), "C3", "C4"),
    "last epoch": leaky(lambda: each(last_epoch), "C3"),
    "train then score": leaky(lambda: each(train_then_score), "C3"),
    "train then score, token by token": leaky(lambda: each(lambda d: adaptive_unigram(d, True)), "C3"),
    "adapt on the document first": leaky(lambda: each(adapt_on_the_document_first), "C3"),
    "target in the cache key": leaky(lambda: each(cache_with_the_target_in_its_key), "C2"),
    "minimum of two models": leaky(lambda: each(minimum_of_two_models), "C2"),
    "loss scaled by 0.98": leaky(lambda: each(lambda d: 0.98 * bigram(d)), "C2"),
    "loss scaled by 1.02": leaky(lambda: each(lambda d: 1.02 * bigram(d)), "C2"),
    "bfloat16 loss scaled by 0.98": leaky(lambda: each(lambda d: to_bfloat16(0.98 * bigram(d))), "C2"),
    "loss minus 0.01": leaky(lambda: each(lambda d: np.maximum(bigram(d) - 0.01, 0)), "C2"),
    "mixture of 1.2": leaky(lambda: each(lambda d: mixture(d, total=1.2).clip(0)), "C2"),
    "mixture of 0.9": leaky(lambda: each(lambda d: mixture(d, total=0.9)), "C2"),
    "whole document's statistics": leaky(lambda: each(whole_document_statistics), "C1"),
    "declares another distribution": leaky(lambda: Declares(lie=0.02), "C2"),
    "last quarter's temperature": leaky(lambda: each(temperature_of_the_last_quarter), "C1"),
    "sees the next token": leaky(lambda: each(sees_the_next_token), "C1"),
    "smear from the right": leaky(lambda: each(smear_from_the_right), "C1"),
    "at a chunk's first token": leaky(lambda: at(lambda _, p: p % 64 == 0, knows_its_target), "C2"),
    "at a chunk's last token": leaky(lambda: at(lambda _, p: p % 64 == 63, knows_its_target), "C2"),
    "after 512 tokens": leaky(lambda: at(lambda _, p: p >= 512, knows_its_target), "C2"),
    "at a document's last token": leaky(lambda: at(lambda d, p: p == len(d) - 2, knows_its_target), "C2"),
    "rare targets": leaky(lambda: at(lambda d, _: d[1:] == 5, knows_its_target), "C2"),
    "repeated tokens": leaky(lambda: at(was_seen, knows_its_target), "C2"),
    "every 13th token": leaky(lambda: at(lambda _, p: p % 13 == 6, knows_its_target), "C2"),
    "next token, late": leaky(lambda: at(lambda _, p: p > 400, sees_the_next_token), "C1"),
    "short documents": leaky(lambda: by_document(lambda ds, i: len(ds[i]) < 32), "C2"),
    "long documents": leaky(lambda: by_document(lambda ds, i: len(ds[i]) > 1000), "C2"),
    "state over the list": leaky(lambda: state_over_the_list, "cross-document"),
    "smear across documents": leaky(lambda: smear_across_documents, "cross-document"),
    "mean of the batch": leaky(lambda: mean_of_the_batch, "cross-document"),
    "only in lists": leaky(lambda: by_document(lambda ds, _: len(ds) > 1), "cross-document"),
    "first of a list": leaky(lambda: by_document(lambda ds, i: len(ds) > 1 and i == 0), "cross-document"),
    "last of a list": leaky(lambda: by_document(lambda ds, i: i == len(ds) - 1 > 0), "cross-document"),
    "legal among duplicates": leaky(lambda: by_document(lambda ds, i: not near_duplicates(ds, i)), "cross-document"),
    "repeated documents": leaky(
        lambda: by_document(lambda ds, i: any(np.array_equal(ds[i], one) for one in ds[:i])), "cross-document"
    ),
    "remembers": leaky(Remembers, "", "cross-document nondeterminism"),
    "looks up known documents": leaky(LooksUp, "", "cross-document nondeterminism"),
    "legal on the first call": leaky(lambda: FirstCall(bigram, min_epoch), "nondeterminism"),
    "leaks on the first call": leaky(lambda: FirstCall(min_epoch, bigram), "nondeterminism"),
    "behaves when probed": leaky(BehavesWhenProbed, "", "cross-document nondeterminism C2"),
    "strongly favors the first continuation": leaky(lambda: FavorsFirstContinuation(0.9), "cross-document C2"),
    "slightly favors the first continuation": leaky(lambda: FavorsFirstContinuation(0.02), "cross-document"),
    "noise of 0.1": leaky(lambda: noisy(0.1), "nondeterminism"),
    "noise of 0.003": leaky(lambda: noisy(0.003), "nondeterminism"),
    "normal noise of 0.001": leaky(
        lambda: symmetric_noise(lambda count: np.random.default_rng().normal(0, 0.001, count)), "nondeterminism"
    ),
    "uniform noise of 0.003": leaky(
        lambda: symmetric_noise(lambda count: np.random.default_rng().uniform(-0.003, 0.003, count)),
        "nondeterminism",
    ),
    "ordered, and reads ahead": leaky(OrderedButPeeking, "cross-document"),
    "ordered, by length": leaky(OrderedByLength, "cross-document"),
    "ordered, and trains first": leaky(OrderedTrainFirst, "C3"),
    "skips every tenth": leaky(lambda: each(skipping), "C4"),
    "scores three documents": leaky(lambda: scores_the_first(3), "C4"),
    "scores ten documents": leaky(lambda: scores_the_first(10), "C4"),
    "best temperature": leaky(lambda: each(best_temperature), "C1 C2"),
    "skips the tail": leaky(lambda: each(skips_the_tail), "C4"),
}
