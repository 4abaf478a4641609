"""Scorers that depend on a document's length, and are legal otherwise."""

from collections.abc import Callable

from tests.golf.zoo.legal import bigram, mixture, score_first
from tests.golf.zoo.model import Floats, Scorer, Tokens, each


def only_long_documents_adapt(document: Tokens) -> Floats:
    return bigram(document) if len(document) < 64 else score_first(document)


def weight_by_length(document: Tokens) -> Floats:
    return mixture(document, weight=min(0.5, len(document) / 1000))


LENGTH: dict[str, Callable[[], Scorer]] = {
    "only long documents adapt": lambda: each(only_long_documents_adapt),
    "weight by length": lambda: each(weight_by_length),
}
