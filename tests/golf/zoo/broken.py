"""Broken scorers: they raise, exit, hang, print, change their input, or return something other than losses."""

import sys
import time
from typing import Any

import numpy as np

from tests.golf.zoo.legal import bigram
from tests.golf.zoo.model import Floats, Leaky, Scorer, Tokens, each, leaky


def raises(_: list[Tokens]) -> Any:
    raise ZeroDivisionError("no luck")


def raises_late(documents: list[Tokens]) -> Any:
    if len(documents) == 1 and len(documents[0]) > 100:
        raise RuntimeError("CUDA out of memory")
    return each(bigram)(documents)


def exits(_: list[Tokens]) -> Any:
    sys.exit(0)


def hangs(_: list[Tokens]) -> Any:
    while True:
        time.sleep(0.05)


def prints(documents: list[Tokens]) -> Any:
    print("scoring", len(documents))
    return each(bigram)(documents)


class Intermittent:
    """Adds half a nat to every loss in every n-th call."""

    def __init__(self, period: int) -> None:
        self.period, self.calls = period, 0

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        self.calls += 1
        return [losses + 0.5 * (self.calls % self.period == 0) for losses in each(bigram)(documents)]


def empties_the_list(documents: list[Tokens]) -> Any:
    losses = each(bigram)(documents)
    documents.clear()
    return losses


def mutates(documents: list[Tokens]) -> Any:
    losses = each(bigram)(documents)
    documents[0][-1] = 0
    return losses


def with_one_loss(value: float) -> Scorer:
    def score(document: Tokens) -> Floats:
        losses = bigram(document)
        losses[len(losses) // 2] = value
        return losses

    return each(score)


BROKEN: dict[str, Leaky] = {
    "raises": leaky(lambda: raises, "C4"),
    "raises late": leaky(lambda: raises_late, "C4"),
    "exits": leaky(lambda: exits, "C4"),
    "prints": leaky(lambda: prints, "nondeterminism"),
    "empties the list": leaky(lambda: empties_the_list, "nondeterminism"),
    "mutates": leaky(lambda: mutates, "nondeterminism"),
    "nan": leaky(lambda: with_one_loss(np.nan), "C2"),
    "infinite": leaky(lambda: with_one_loss(np.inf), "C2"),
    "minus infinite": leaky(lambda: with_one_loss(-np.inf), "C2"),
    "negative": leaky(lambda: with_one_loss(-0.5), "C2"),
    "one too few": leaky(lambda: each(lambda d: bigram(d)[1:]), "C4"),
    "one too many": leaky(lambda: each(lambda d: np.append(bigram(d), 0.1)), "C4"),
    "two dimensions": leaky(lambda: each(lambda d: bigram(d)[None]), "C4"),
    "integers": leaky(lambda: each(lambda d: bigram(d).astype(int)), "C4"),
    "text": leaky(lambda: each(lambda d: bigram(d).astype(str)), "C4"),
    "a sum": leaky(lambda: each(lambda d: float(bigram(d).sum())), "C4"),  # type: ignore[arg-type, return-value]
    "nothing": leaky(lambda: lambda _: None, "C4"),
    "a document less": leaky(lambda: lambda documents: each(bigram)(documents[1:]), "C4"),
    "an array": leaky(lambda: lambda documents: np.concatenate(each(bigram)(documents)), "C4"),
}
