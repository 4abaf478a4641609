"""Legal scorers: an audit must find nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golf.zoo.model import (
    CHUNK,
    LOGITS_VV,
    VOCAB,
    Floats,
    Learner,
    Scorer,
    Tokens,
    chunks,
    each,
    nll_of,
    probabilities,
)


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
    """How often each target occurred before its position, and how many tokens did."""
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
    """Round to the nearest bfloat16; returns float32."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded: NDArray[np.float32] = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return rounded


def bfloat16_loss(document: Tokens) -> Any:
    return to_bfloat16(score_first(document))


def bfloat16_logits(document: Tokens) -> Any:
    """Logits and their log-sum in half precision, so that each sum of probabilities has its own rounding error."""
    logits_TV = to_bfloat16(LOGITS_VV[document[:-1]])
    log_sum_T = to_bfloat16(np.log(np.exp(logits_TV.astype(np.float64)).sum(axis=1)))
    return log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]]


def float16_loss(document: Tokens) -> Any:
    return mixture(document).astype(np.float16)


def float32_throughout(document: Tokens) -> Any:
    logits_TV = LOGITS_VV[document[:-1]].astype(np.float32)
    log_sum_T = np.log(np.exp(logits_TV).sum(axis=1, dtype=np.float32))
    return log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]]


def in_batches(documents: list[Tokens]) -> list[Floats]:
    """Pads documents to the longest and scores them together; the padding decides the order of additions."""
    longest = max(len(document) for document in documents)
    found = []
    for document in documents:
        logits_TV = LOGITS_VV[document[:-1]].astype(np.float32)
        parts = np.array_split(np.exp(logits_TV), 1 + longest % 7, axis=1)
        log_sum_T = np.log(sum(part.sum(axis=1, dtype=np.float32) for part in parts))
        found.append(log_sum_T - logits_TV[np.arange(len(document) - 1), document[1:]])
    return found


class Ordered:
    """Carries state over the documents of a list, in order, and declares so."""

    ordered_state = True

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        learner, found = Learner.fresh(), []
        for document in documents:
            found.append(learner.score(document, 0, len(document) - 1))
            learner.learn(document, 0, len(document) - 1)
        return found


class Declares:
    """Bigrams with a declared distribution; with a lie, the target gets more probability than declared."""

    def __init__(self, lie: float = 0.0) -> None:
        self.lie = lie

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        return [-np.log((1 - self.lie) * np.exp(-bigram(document)) + self.lie) for document in documents]

    def distribution(self, document: Tokens, position: int) -> Floats:
        p_V: Floats = probabilities(LOGITS_VV[document[position - 1 : position]])[0]
        return p_V


def certain(document: Tokens) -> Any:
    """Copies repeated text with such certainty that its losses there round to 0."""
    logits_TV = LOGITS_VV[document[:-1]].copy()
    for place in range(8, len(logits_TV)):
        earlier = np.flatnonzero(document[: place - 1] == document[place])
        if earlier.size:
            logits_TV[place, document[earlier[-1] + 1]] += 60.0
    return nll_of(logits_TV, document[1:]).astype(np.float32)


def torch_tensors(documents: list[Tokens]) -> Any:
    """Returns torch tensors."""
    import torch

    return [torch.from_numpy(bigram(document)).float() for document in documents]


def certain_above_one(document: Tokens) -> Any:
    """An fp32 mixture of models certain of the same token, whose probability is 1 plus a rounding error."""
    p_TV = np.zeros((len(document) - 1, VOCAB), np.float32)
    p_TV[np.arange(len(document) - 1), (7 * document[:-1] + 3) % VOCAB] = 1 + np.float32(2.0**-23)
    return -np.log(np.maximum(p_TV, np.float32(1e-30)))[np.arange(len(document) - 1), document[1:]]


def bfloat16_with_a_gradient(document: Tokens) -> Any:
    """Losses with a gradient, in a dtype that numpy does not have."""
    import torch

    return torch.from_numpy(bigram(document)).requires_grad_().bfloat16()


LEGAL: dict[str, Callable[[], Scorer]] = {
    "uniform": lambda: each(uniform),
    "bigram": lambda: each(bigram),
    "score first": lambda: each(score_first),
    "score first, five epochs": lambda: each(lambda document: score_first(document, 5)),
    "score first, chunks of 100": lambda: each(lambda document: score_first(document, 2, 100)),
    "adaptive unigram": lambda: each(adaptive_unigram),
    "normalized mixture": lambda: each(mixture),
    "temperature": lambda: each(temperature),
    "float32": lambda: each(float32_throughout),
    "float32 in padded batches": lambda: in_batches,
    "float16 losses": lambda: each(float16_loss),
    "bfloat16 losses": lambda: each(bfloat16_loss),
    "bfloat16 logits": lambda: each(bfloat16_logits),
    "declared ordered state": Ordered,
    "certain of repeated text": lambda: each(certain),
    "certain, above one by rounding": lambda: each(certain_above_one),
    "bfloat16 with a gradient": lambda: each(bfloat16_with_a_gradient),
    "declares its distribution": Declares,
    "torch tensors": lambda: torch_tensors,
}
