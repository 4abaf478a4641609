"""Scorers that depend on a document's length, and are legal otherwise: by less than the margin, and by more."""

from collections.abc import Callable

import numpy as np

from tests.golf.zoo.legal import bigram, mixture, score_first
from tests.golf.zoo.model import VOCAB, Floats, Scorer, Tokens, each


def only_long_documents_adapt(document: Tokens) -> Floats:
    return bigram(document) if len(document) < 64 else score_first(document)


def weight_by_length(document: Tokens) -> Floats:
    return mixture(document, weight=min(0.5, len(document) / 1000))


def certain_of_the_end(document: Tokens) -> Floats:
    """Gives BOS, which ends every document, probability 0.99 at the last position."""
    losses = bigram(document)
    losses[-1] = -np.log(0.99 if document[-1] == 1 else 0.01 / (VOCAB - 1))
    return losses


def one_window_slides(document: Tokens) -> Floats:
    """One position of a long document is scored with another temperature if the document goes on."""
    losses = mixture(document, weight=0.3)
    if len(document) > 250:
        cooler = mixture(document, weight=0.4)
        losses[100] = cooler[100]
    return losses


LENGTH: dict[str, Callable[[], Scorer]] = {"one window slides": lambda: each(one_window_slides)}
"""Those whose documents change by less than 0.005 nats per token."""
LENGTH_BREACH: dict[str, Callable[[], Scorer]] = {
    "only long documents adapt": lambda: each(only_long_documents_adapt),
    "weight by length": lambda: each(weight_by_length),
    "certain of the end": lambda: each(certain_of_the_end),
}
