"""The documents of an audit: some of those given, and generated ones for lengths and patterns that they lack.

Leaks show in long documents, in short ones, or in text that repeats itself; an audit has each kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.checked_scorer import Tokens
from golf.data.tokens import BOS
from golf.errors import InputError

LENGTHS = (2, 3, 40, 150, 600)
"""Tokens of the documents that every audit has."""
MORE_LENGTHS = (90, 24, 1300, 300, 60, 2200)
"""Tokens of the documents added while the budget allows."""
LONG_TOKENS = 1300
"""Every audit that can afford it has one document of about this length, if only scored alone: its windows slide."""

CUT = "cut from a given one"
GENERATED = "made up"
"""Origin of a document that is no text: it may hold control pieces anywhere. Stored in certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditDocument:
    """A document of the audit."""

    number: int
    """Its number in the certificate: its index among the documents given, or a number after those."""
    tokens: Tokens
    origin: str
    """given, cut from a given one, or made up."""


def check_documents(documents: Sequence[NDArray[np.integer[Any]]], vocab_size: int) -> list[Tokens]:
    """The documents as int64.

    Raises:
        InputError: there are none, one has fewer than two tokens, or a token is outside the vocabulary.
    """
    if vocab_size < 2:
        raise InputError(f"vocab_size = {vocab_size}: must be at least 2")
    checked = []
    for index, document in enumerate(documents):
        array = np.asarray(document)
        if array.ndim != 1 or array.size < 2 or array.dtype.kind not in "iu":
            raise InputError(
                f"document {index}: shape {array.shape} of {array.dtype}; expected integers [n] with n ≥ 2"
            )
        if int(array.min()) < 0 or int(array.max()) >= vocab_size:
            problem = f"holds tokens {array.min()} … {array.max()}"
            raise InputError(f"document {index}: {problem}; expected 0 … {vocab_size - 1} (vocab_size = {vocab_size})")
        checked.append(array.astype(np.int64))
    if not checked:
        raise InputError("no documents to audit; expected at least one")
    return checked


def choose_documents(
    given: Sequence[Tokens], lengths: Sequence[int], vocab_size: int, rng: np.random.Generator, first_number: int
) -> list[AuditDocument]:
    """Choose one document for each length: a given one of about that length, else one cut or generated.

    Every third one, if generated, repeats itself. Documents that are not given whole are numbered from `first_number`.
    """
    free = dict(enumerate(given))
    chosen: list[AuditDocument] = []
    for place, length in enumerate(lengths):
        number = first_number + place
        near = [index for index, tokens in free.items() if 0.9 * length <= tokens.size <= 1.25 * length]
        longer = [index for index, tokens in enumerate(given) if tokens.size > length]
        if near:
            index = min(near, key=lambda index: (abs(free[index].size - length), index))
            chosen.append(AuditDocument(number=index, tokens=free.pop(index), origin="given"))
        elif longer and place % 3 != 2:
            tokens = given[longer[int(rng.integers(len(longer)))]]
            chosen.append(AuditDocument(number=number, tokens=tokens[:length].copy(), origin=CUT))
        else:
            tokens = make_document(length, vocab_size, rng, given, repeats=place % 3 == 2)
            chosen.append(AuditDocument(number=number, tokens=tokens, origin=GENERATED))
    return chosen


def make_document(
    length: int, vocab_size: int, rng: np.random.Generator, given: Sequence[Tokens] = (), *, repeats: bool = False
) -> Tokens:
    """Generate a document of `length` tokens, BOS first, with frequent and rare tokens and common token pairs.

    BOS and token frequencies are those of the given documents; without any, frequencies follow Zipf's law. With
    `repeats` the document repeats a phrase.
    """
    bos = int(given[0][0]) if given else min(BOS, vocab_size - 1)
    if given:
        weight_V = np.bincount(np.concatenate(list(given)), minlength=vocab_size) + 0.1
    else:
        weight_V = 1 / (1 + rng.permutation(vocab_size))
    weight_V[bos] = 0.0
    successor_V = rng.choice(vocab_size, vocab_size, p=weight_V / weight_V.sum())
    tokens = rng.choice(vocab_size, length, p=weight_V / weight_V.sum())
    for position in range(1, length):
        if rng.random() < 0.5:
            tokens[position] = successor_V[tokens[position - 1]]
    if repeats:
        phrase = tokens[: min(24, length)].copy()
        tokens = np.where(rng.random(length) < 0.95, np.resize(phrase, length), tokens)
    tokens[0] = bos
    return tokens.astype(np.int64)
