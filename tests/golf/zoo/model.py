"""The model that all scorers of the zoo share, and the findings expected of a leaky one."""

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
    """Make a scorer of a list of documents from one of a single document."""
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
    """A bias over the vocabulary that is trained at test time."""

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


@dataclass(frozen=True)
class Leaky:
    """A leaky scorer and the conditions that an audit must report: all of the first, one of the second."""

    make: Callable[[], Scorer]
    all_of: frozenset[str]
    any_of: frozenset[str] = frozenset()


def leaky(make: Callable[[], Scorer], all_of: str, any_of: str = "") -> Leaky:
    return Leaky(make, frozenset(all_of.split()), frozenset(any_of.split()))


def conditions(findings: Sequence[Any]) -> set[str]:
    return {finding.condition for finding in findings}
