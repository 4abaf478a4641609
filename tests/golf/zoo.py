"""A zoo of scorers, legal and leaky: small numpy models with the habits of real entries, good and bad.

The model everywhere: fixed bigram logits plus a bias over the vocabulary that a learner trains on what it has read.
`LEGAL` has nothing against it, `LENGTH` looks at a document's length and nothing else, `LEAKY` names what each breaks:
every one of the first conditions has to be found, and at least one of the second, where there are any.
"""

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOCAB = 16
CHUNK = 16

Tokens = NDArray[np.int64]
Floats = NDArray[np.float64]
Scorer = Callable[[list[Tokens]], Any]
DocumentScorer = Callable[[Tokens], Floats]

LOGITS_VV = 2.0 * np.random.default_rng(7).standard_normal((VOCAB, VOCAB))


def each(score: DocumentScorer) -> Scorer:
    """A scorer of documents from a scorer of one."""
    return lambda documents: [score(document) for document in documents]


def nll_of(logits_TV: Floats, targets_T: Tokens) -> Floats:
    top_T1 = logits_TV.max(axis=1, keepdims=True)
    log_sum_T = np.log(np.exp(logits_TV - top_T1).sum(axis=1)) + top_T1[:, 0]
    return log_sum_T - logits_TV[np.arange(len(targets_T)), targets_T]


def probabilities(logits_TV: Floats) -> Floats:
    p_TV = np.exp(logits_TV - logits_TV.max(axis=1, keepdims=True))
    return p_TV / p_TV.sum(axis=1, keepdims=True)


@dataclass
class Learner:
    """The bias over the vocabulary that adapts."""

    bias_V: Floats

    @classmethod
    def fresh(cls) -> "Learner":
        return cls(np.zeros(VOCAB))

    def score(self, document: Tokens, first: int, last: int) -> Floats:
        return nll_of(LOGITS_VV[document[first:last]] + self.bias_V, document[first + 1 : last + 1])

    def learn(self, document: Tokens, first: int, last: int, steps: int = 1) -> None:
        inputs, targets = document[first:last], document[first + 1 : last + 1]
        for _ in range(steps):
            p_TV = probabilities(LOGITS_VV[inputs] + self.bias_V)
            counts_V = np.bincount(targets, minlength=VOCAB)
            self.bias_V = self.bias_V + 2.0 * (counts_V - p_TV.sum(axis=0)) / len(targets)


def chunks(document: Tokens, size: int = CHUNK) -> list[tuple[int, int]]:
    predictions = len(document) - 1
    return [(first, min(first + size, predictions)) for first in range(0, predictions, size)]


# Legal


def uniform(document: Tokens) -> Floats:
    return np.full(len(document) - 1, np.log(VOCAB))


def bigram(document: Tokens) -> Floats:
    return nll_of(LOGITS_VV[document[:-1]], document[1:])


def score_first(document: Tokens, epochs: int = 1, size: int = CHUNK) -> Floats:
    """Each chunk scored before any update on it."""
    learner, found = Learner.fresh(), []
    for first, last in chunks(document, size):
        found.append(learner.score(document, first, last))
        learner.learn(document, first, last, epochs)
    return np.concatenate(found)


def cache_counts(document: Tokens, include_target: bool = False) -> tuple[Floats, Floats]:
    """How often each target had been seen at its time, and how many tokens had been."""
    seen_V = np.zeros(VOCAB)
    counts, totals = np.zeros(len(document) - 1), np.arange(len(document) - 1, dtype=float)
    for place, target in enumerate(document[1:]):
        counts[place] = seen_V[target] + include_target
        seen_V[target] += 1
    return counts, totals + include_target


def adaptive_unigram(document: Tokens, include_target: bool = False) -> Floats:
    counts, totals = cache_counts(document, include_target)
    return -np.log((counts + 0.5) / (totals + 0.5 * VOCAB))


def mixture(document: Tokens, weight: float = 0.3, total: float = 1.0) -> Floats:
    return -np.log((total - weight) * np.exp(-bigram(document)) + weight * np.exp(-adaptive_unigram(document)))


def temperature(document: Tokens) -> Floats:
    return nll_of(LOGITS_VV[document[:-1]] / 1.3, document[1:])


def to_bfloat16(values: Floats) -> NDArray[np.float32]:
    """Rounded to the nearest bfloat16, as float32."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded: NDArray[np.float32] = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return rounded


def bfloat16_loss(document: Tokens) -> Any:
    return to_bfloat16(score_first(document))


def bfloat16_logits(document: Tokens) -> Any:
    """Logits and their log-sum in half precision: each sum of probabilities is off by a rounding of its own."""
    logits_TV = to_bfloat16(LOGITS_VV[document[:-1]])
    log_sum_T = to_bfloat16(np.log(np.exp(logits_TV.astype(np.float64)).sum(axis=1)))
    return log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]]


def float16_loss(document: Tokens) -> Any:
    return mixture(document).astype(np.float16)


def float32_all_through(document: Tokens) -> Any:
    logits_TV = LOGITS_VV[document[:-1]].astype(np.float32)
    log_sum_T = np.log(np.exp(logits_TV).sum(axis=1, dtype=np.float32))
    return log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]]


def in_batches(documents: list[Tokens]) -> list[Floats]:
    """Padded to the longest and scored together, with an order of sums that the padding decides."""
    longest = max(len(document) for document in documents)
    found = []
    for document in documents:
        logits_TV = LOGITS_VV[document[:-1]].astype(np.float32)
        parts = np.array_split(np.exp(logits_TV), 1 + longest % 7, axis=1)
        log_sum_T = np.log(sum(part.sum(axis=1, dtype=np.float32) for part in parts))
        found.append(log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]])
    return found


class Ordered:
    """State carried over the documents already scored, in the order of the list, as it declares."""

    ordered_state = True

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        learner, found = Learner.fresh(), []
        for document in documents:
            found.append(learner.score(document, 0, len(document) - 1))
            learner.learn(document, 0, len(document) - 1)
        return found


class Offers:
    """Bigrams, too slow for many sums, with the distribution on offer; a lie gives the target more than it says."""

    def __init__(self, lie: float = 0.0) -> None:
        self.lie = lie

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        time.sleep(1e-5 * sum(len(document) for document in documents))
        return [-np.log((1 - self.lie) * np.exp(-bigram(document)) + self.lie) for document in documents]

    def distribution(self, document: Tokens, position: int) -> Floats:
        p_V: Floats = probabilities(LOGITS_VV[document[position - 1 : position]])[0]
        return p_V


def certain(document: Tokens) -> Any:
    """A copier so sure of repeated text that its losses there round to 0."""
    logits_TV = LOGITS_VV[document[:-1]].copy()
    for place in range(8, len(logits_TV)):
        earlier = np.flatnonzero(document[: place - 1] == document[place])
        if earlier.size:
            logits_TV[place, document[earlier[-1] + 1]] += 60.0
    return nll_of(logits_TV, document[1:]).astype(np.float32)


def bytes_as_torch(documents: list[Tokens]) -> Any:
    """Arrays of another library."""
    import torch

    return [torch.from_numpy(bigram(document)).float() for document in documents]


def certain_by_a_rounding_more(document: Tokens) -> Any:
    """A mixture in fp32 of models that are all certain of the same token, which adds up to 1 and a rounding."""
    p_TV = np.zeros((len(document) - 1, VOCAB), np.float32)
    p_TV[np.arange(len(document) - 1), (7 * document[:-1] + 3) % VOCAB] = 1 + np.float32(2.0**-23)
    return -np.log(np.maximum(p_TV, np.float32(1e-30)))[np.arange(len(document) - 1), document[1:]]


def bfloat16_with_a_gradient(document: Tokens) -> Any:
    """A loss as it leaves a model under training: on the graph, and in a type that numpy does not have."""
    import torch

    return torch.from_numpy(bigram(document)).requires_grad_().bfloat16()


# Looking at the length


def only_long_documents_adapt(document: Tokens) -> Floats:
    return bigram(document) if len(document) < 64 else score_first(document)


def weight_by_length(document: Tokens) -> Floats:
    return mixture(document, weight=min(0.5, len(document) / 1000))


# Leaky


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
    """An n-gram cache looked up under a key that ends with the target: it only ever confirms."""
    seen: set[tuple[int, int]] = set()
    found = bigram(document)
    for place, pair in enumerate(itertools.pairwise(document.tolist())):
        if pair in seen:
            found[place] = -np.log(0.5 + 0.5 * np.exp(-found[place]))
        seen.add(pair)
    return found


def minimum_of_two_models(document: Tokens) -> Floats:
    return np.minimum(bigram(document), adaptive_unigram(document))


def whole_document_statistics(document: Tokens) -> Floats:
    weight_V = np.bincount(document, minlength=VOCAB) + 0.5
    return -np.log(weight_V[document[1:]] / weight_V.sum())


def number_of_later_bos(document: Tokens) -> Floats:
    """A temperature that depends on the document's last quarter: normalised, and yet not causal."""
    hot = 1.0 + 0.3 * float(np.mean(document[-len(document) // 4 :] < VOCAB // 2))
    return nll_of(LOGITS_VV[document[:-1]] / hot, document[1:])


def sees_the_next_token(document: Tokens) -> Floats:
    """Attention one too far: the token after the target is an input, too."""
    after = np.append(document[2:], document[:1])
    return nll_of(LOGITS_VV[document[:-1]] + LOGITS_VV[:, after].T, document[1:])


def smear_from_the_right(document: Tokens) -> Floats:
    logits_TV = LOGITS_VV[document[:-1]]
    return nll_of(0.8 * logits_TV + 0.2 * np.roll(logits_TV, -3, axis=0), document[1:])


def at(
    chosen: Callable[[Tokens, NDArray[np.int64]], Any], leak: DocumentScorer, legal: DocumentScorer = bigram
) -> Scorer:
    """A leak at some predictions only: `chosen(document, predictions)` says where."""

    def score(document: Tokens) -> Floats:
        where = chosen(document, np.arange(len(document) - 1))
        return np.where(where, leak(document), legal(document))

    return each(score)


def knows_its_target(document: Tokens) -> Floats:
    """Half of the probability goes to whatever the target turns out to be."""
    return -np.log(0.5 + 0.5 * np.exp(-bigram(document)))


def was_seen(document: Tokens, _: NDArray[np.int64]) -> NDArray[np.bool_]:
    return cache_counts(document)[0] > 0


def by_document(leaks: Callable[[list[Tokens], int], bool], leak: DocumentScorer = knows_its_target) -> Scorer:
    """A leak in some documents of a list only."""
    return lambda documents: [
        leak(document) if leaks(documents, index) else bigram(document) for index, document in enumerate(documents)
    ]


def near_duplicates(documents: list[Tokens], index: int) -> bool:
    """Whether another document of the list is the same but for a few tokens."""
    mine = documents[index]
    return any(
        len(other) == len(mine) and np.mean(other == mine) > 0.5
        for place, other in enumerate(documents)
        if place != index
    )


class Remembers:
    """Goes on learning from call to call."""

    def __init__(self) -> None:
        self.learner = Learner.fresh()

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        found = [self.learner.score(document, 0, len(document) - 1) for document in documents]
        for document in documents:
            self.learner.learn(document, 0, len(document) - 1)
        return found


class LooksUp:
    """Keeps every document it was shown, and knows it the next time."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        found = [0.5 * bigram(one) if one.tobytes() in self.known else bigram(one) for one in documents]
        self.known |= {one.tobytes() for one in documents}
        return found


class FirstCall:
    """One scorer on its first call, another one afterwards."""

    def __init__(self, first: DocumentScorer, later: DocumentScorer) -> None:
        self.first, self.later, self.calls = first, later, 0

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        self.calls += 1
        return [(self.first if self.calls == 1 else self.later)(document) for document in documents]


class BehavesWhenProbed:
    """Leaks until it meets a prefix that it has seen go on differently; then it is legal."""

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


class KeepsToWhatItSawFirst:
    """Gives more to the continuation of a prefix that it met first, ever after: normalised, causal, the same twice."""

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
    """Declares the order of the list and keeps another: the shortest first, wherever it stands."""

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        order = sorted(range(len(documents)), key=lambda index: len(documents[index]))
        losses = super().__call__([documents[index] for index in order])
        return [losses[order.index(index)] for index in range(len(documents))]


class OrderedTrainFirst(Ordered):
    """Declares ordered state and learns a document before it scores it."""

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


def noisy(sigma: float) -> Scorer:
    rng = np.random.default_rng()
    return each(lambda document: bigram(document) + np.abs(rng.normal(0, sigma, len(document) - 1)))


def skipping(document: Tokens) -> Floats:
    found = bigram(document)
    found[::10] = 0.0
    return found


def scores_the_first(count: int) -> Scorer:
    """Some documents of a list; the others are as if they had been told with certainty."""
    return lambda documents: [bigram(document) * (index < count) for index, document in enumerate(documents)]


def best_temperature(document: Tokens) -> Floats:
    """The temperature that the whole document likes best."""
    choices = [nll_of(LOGITS_VV[document[:-1]] / heat, document[1:]) for heat in (0.8, 0.9, 1.0, 1.1, 1.25)]
    return min(choices, key=lambda losses: float(losses.sum()))


def skips_the_tail(document: Tokens) -> Floats:
    found = bigram(document)
    found[len(found) // 32 * 32 :] = 0.0
    return found


# What is no scorer at all


def raises(_: list[Tokens]) -> Any:
    raise ZeroDivisionError("no luck")


def raises_late(documents: list[Tokens]) -> Any:
    if len(documents) == 1 and len(documents[0]) > 100:
        raise RuntimeError("CUDA out of memory")
    return each(bigram)(documents)


def leaves(_: list[Tokens]) -> Any:
    sys.exit(0)


def hangs(_: list[Tokens]) -> Any:
    while True:
        time.sleep(0.05)


def prints(documents: list[Tokens]) -> Any:
    print("scoring", len(documents))
    return each(bigram)(documents)


def empties_the_list(documents: list[Tokens]) -> Any:
    found = each(bigram)(documents)
    documents.clear()
    return found


def mutates(documents: list[Tokens]) -> Any:
    found = each(bigram)(documents)
    documents[0][-1] = 0
    return found


def spoiled(value: float) -> Scorer:
    def score(document: Tokens) -> Floats:
        found = bigram(document)
        found[len(found) // 2] = value
        return found

    return each(score)


@dataclass(frozen=True)
class Leaky:
    make: Callable[[], Scorer]
    all_of: frozenset[str]
    any_of: frozenset[str] = frozenset()


def _leaky(make: Callable[[], Scorer], all_of: str, any_of: str = "") -> Leaky:
    return Leaky(make, frozenset(all_of.split()), frozenset(any_of.split()))


LEGAL: dict[str, Callable[[], Scorer]] = {
    "uniform": lambda: each(uniform),
    "bigram": lambda: each(bigram),
    "score first": lambda: each(score_first),
    "score first, five epochs": lambda: each(lambda document: score_first(document, 5)),
    "score first, chunks of 100": lambda: each(lambda document: score_first(document, 2, 100)),
    "adaptive unigram": lambda: each(adaptive_unigram),
    "normalised mixture": lambda: each(mixture),
    "temperature": lambda: each(temperature),
    "float32": lambda: each(float32_all_through),
    "float32 in padded batches": lambda: in_batches,
    "float16 losses": lambda: each(float16_loss),
    "bfloat16 losses": lambda: each(bfloat16_loss),
    "bfloat16 logits": lambda: each(bfloat16_logits),
    "declared ordered state": Ordered,
    "certain of what repeats": lambda: each(certain),
    "certain by a rounding more": lambda: each(certain_by_a_rounding_more),
    "bfloat16 with a gradient": lambda: each(bfloat16_with_a_gradient),
    "offers its distribution": Offers,
    "torch tensors": lambda: bytes_as_torch,
}

LENGTH: dict[str, Callable[[], Scorer]] = {
    "only long documents adapt": lambda: each(only_long_documents_adapt),
    "weight by length": lambda: each(weight_by_length),
}

LEAKY: dict[str, Leaky] = {
    "minimum over epochs, by document": _leaky(lambda: each(min_epoch), "C3", "C4"),
    "minimum over epochs, by token": _leaky(lambda: each(lambda d: min_epoch(d, True)), "C3", "C4"),
    "last epoch": _leaky(lambda: each(last_epoch), "C3"),
    "train then score": _leaky(lambda: each(train_then_score), "C3"),
    "train then score, token by token": _leaky(lambda: each(lambda d: adaptive_unigram(d, True)), "C3"),
    "adapt on the document first": _leaky(lambda: each(adapt_on_the_document_first), "C3"),
    "target in the cache's key": _leaky(lambda: each(cache_with_the_target_in_its_key), "C2"),
    "minimum of two models": _leaky(lambda: each(minimum_of_two_models), "C2"),
    "loss scaled by 0.98": _leaky(lambda: each(lambda d: 0.98 * bigram(d)), "C2"),
    "loss scaled by 1.02": _leaky(lambda: each(lambda d: 1.02 * bigram(d)), "C2"),
    "bfloat16 loss scaled by 0.98": _leaky(lambda: each(lambda d: to_bfloat16(0.98 * bigram(d))), "C2"),
    "loss less 0.01": _leaky(lambda: each(lambda d: np.maximum(bigram(d) - 0.01, 0)), "C2"),
    "mixture of 1.2": _leaky(lambda: each(lambda d: mixture(d, total=1.2).clip(0)), "C2"),
    "mixture of 0.9": _leaky(lambda: each(lambda d: mixture(d, total=0.9)), "C2"),
    "whole document's statistics": _leaky(lambda: each(whole_document_statistics), "C1"),
    "offers another distribution": _leaky(lambda: Offers(lie=0.02), "C2"),
    "last quarter's temperature": _leaky(lambda: each(number_of_later_bos), "C1"),
    "sees the next token": _leaky(lambda: each(sees_the_next_token), "C1"),
    "smear from the right": _leaky(lambda: each(smear_from_the_right), "C1"),
    "at a chunk's first token": _leaky(lambda: at(lambda _, p: p % 64 == 0, knows_its_target), "C2"),
    "at a chunk's last token": _leaky(lambda: at(lambda _, p: p % 64 == 63, knows_its_target), "C2"),
    "after 512 tokens": _leaky(lambda: at(lambda _, p: p >= 512, knows_its_target), "C2"),
    "at a document's last token": _leaky(lambda: at(lambda d, p: p == len(d) - 2, knows_its_target), "C2"),
    "rare targets": _leaky(lambda: at(lambda d, _: d[1:] == 5, knows_its_target), "C2"),
    "repeated tokens": _leaky(lambda: at(was_seen, knows_its_target), "C2"),
    "every 13th token": _leaky(lambda: at(lambda _, p: p % 13 == 6, knows_its_target), "C2"),
    "next token, late": _leaky(lambda: at(lambda _, p: p > 400, sees_the_next_token), "C1"),
    "short documents": _leaky(lambda: by_document(lambda ds, i: len(ds[i]) < 32), "C2"),
    "long documents": _leaky(lambda: by_document(lambda ds, i: len(ds[i]) > 1000), "C2"),
    "state over the list": _leaky(lambda: state_over_the_list, "cross-document"),
    "smear across documents": _leaky(lambda: smear_across_documents, "cross-document"),
    "mean of the batch": _leaky(lambda: mean_of_the_batch, "cross-document"),
    "only in lists": _leaky(lambda: by_document(lambda ds, _: len(ds) > 1), "cross-document"),
    "first of a list": _leaky(lambda: by_document(lambda ds, i: len(ds) > 1 and i == 0), "cross-document"),
    "last of a list": _leaky(lambda: by_document(lambda ds, i: i == len(ds) - 1 > 0), "cross-document"),
    "legal among its like": _leaky(lambda: by_document(lambda ds, i: not near_duplicates(ds, i)), "cross-document"),
    "repeated documents": _leaky(
        lambda: by_document(lambda ds, i: any(np.array_equal(ds[i], one) for one in ds[:i])), "cross-document"
    ),
    "remembers": _leaky(Remembers, "", "cross-document nondeterminism"),
    "looks up": _leaky(LooksUp, "", "cross-document nondeterminism"),
    "legal on the first call": _leaky(lambda: FirstCall(bigram, min_epoch), "nondeterminism"),
    "leaks on the first call": _leaky(lambda: FirstCall(min_epoch, bigram), "nondeterminism"),
    "behaves when probed": _leaky(BehavesWhenProbed, "", "cross-document nondeterminism C2"),
    "keeps to what it saw first": _leaky(lambda: KeepsToWhatItSawFirst(0.9), "cross-document C2"),
    "leans to what it saw first": _leaky(lambda: KeepsToWhatItSawFirst(0.02), "cross-document"),
    "noise of 0.1": _leaky(lambda: noisy(0.1), "nondeterminism"),
    "noise of 0.003": _leaky(lambda: noisy(0.003), "nondeterminism"),
    "ordered, and reads ahead": _leaky(OrderedButPeeking, "cross-document"),
    "ordered, by length": _leaky(OrderedByLength, "cross-document"),
    "ordered, and trains first": _leaky(OrderedTrainFirst, "C3"),
    "skips every tenth": _leaky(lambda: each(skipping), "C4"),
    "scores three documents": _leaky(lambda: scores_the_first(3), "C4"),
    "scores ten documents": _leaky(lambda: scores_the_first(10), "C4"),
    "best temperature": _leaky(lambda: each(best_temperature), "C1 C2"),
    "skips the tail": _leaky(lambda: each(skips_the_tail), "C4"),
}

BROKEN: dict[str, Leaky] = {
    "raises": _leaky(lambda: raises, "C4"),
    "raises late": _leaky(lambda: raises_late, "C4"),
    "leaves": _leaky(lambda: leaves, "C4"),
    "prints": _leaky(lambda: prints, "nondeterminism"),
    "empties the list": _leaky(lambda: empties_the_list, "nondeterminism"),
    "mutates": _leaky(lambda: mutates, "nondeterminism"),
    "nan": _leaky(lambda: spoiled(np.nan), "C2"),
    "infinite": _leaky(lambda: spoiled(np.inf), "C2"),
    "minus infinite": _leaky(lambda: spoiled(-np.inf), "C2"),
    "negative": _leaky(lambda: spoiled(-0.5), "C2"),
    "one too few": _leaky(lambda: each(lambda d: bigram(d)[1:]), "C4"),
    "one too many": _leaky(lambda: each(lambda d: np.append(bigram(d), 0.1)), "C4"),
    "two dimensions": _leaky(lambda: each(lambda d: bigram(d)[None]), "C4"),
    "integers": _leaky(lambda: each(lambda d: bigram(d).astype(int)), "C4"),
    "text": _leaky(lambda: each(lambda d: bigram(d).astype(str)), "C4"),
    "a sum": _leaky(lambda: each(lambda d: float(bigram(d).sum())), "C4"),  # type: ignore[arg-type, return-value]
    "nothing": _leaky(lambda: lambda _: None, "C4"),
    "a document less": _leaky(lambda: lambda documents: each(bigram)(documents[1:]), "C4"),
    "an array": _leaky(lambda: lambda documents: np.concatenate(each(bigram)(documents)), "C4"),
}


def conditions(findings: Sequence[Any]) -> set[str]:
    return {finding.condition for finding in findings}
