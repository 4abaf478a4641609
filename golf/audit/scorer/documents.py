"""The documents that a scorer is judged on: some of those given, and made-up ones for what they lack.

Leaks hide in long documents, in short ones, in text that repeats itself; each kind is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.black_box import Tokens
from golf.data.tokens import BOS
from golf.errors import InputError

LENGTHS = (2, 3, 40, 150, 600)
"""Tokens of the documents that every audit has."""
MORE_LENGTHS = (90, 24, 1300, 300, 60, 2200)
"""Tokens of those that come on top while there is time."""
LONG = 1300
"""Of these one is looked at, if only alone, wherever a few scores of it are affordable: windows slide in it."""

MADE_UP = "made up"
"""The origin of a document that is no text: it may hold control pieces anywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A document of the audit."""

    number: int
    """In the certificate: its place among those given, or after them."""
    tokens: Tokens
    origin: str
    """given, cut from a given one, or made up."""


def check_documents(documents: Sequence[NDArray[np.integer[Any]]], vocab_size: int) -> list[Tokens]:
    """The documents as int64.

    Raises:
        InputError: none, one of fewer than two tokens, or a token outside the vocabulary.
    """
    if vocab_size < 2:
        raise InputError(f"vocab_size = {vocab_size}: must be at least 2")
    checked = []
    for index, document in enumerate(documents):
        array = np.asarray(document)
        if array.ndim != 1 or array.size < 2 or array.dtype.kind not in "iu":
            raise InputError(f"document {index}: shape {array.shape} of {array.dtype}; expected integers, 2 at least")
        if int(array.min()) < 0 or int(array.max()) >= vocab_size:
            problem = f"holds tokens {array.min()} … {array.max()}"
            raise InputError(f"document {index}: {problem}; the vocabulary has {vocab_size}")
        checked.append(array.astype(np.int64))
    if not checked:
        raise InputError("no documents to audit; at least one is needed")
    return checked


def choose(
    given: Sequence[Tokens], lengths: Sequence[int], vocab_size: int, rng: np.random.Generator, first_number: int
) -> list[Judged]:
    """One document for each length wanted: a given one of about that length, else one cut or made up.

    Every third is made to repeat itself. `first_number` numbers what is not given as it is.
    """
    free = dict(enumerate(given))
    chosen: list[Judged] = []
    for place, length in enumerate(lengths):
        number = first_number + place
        near = [index for index, tokens in free.items() if 0.9 * length <= tokens.size <= 1.25 * length]
        longer = [index for index, tokens in enumerate(given) if tokens.size > length]
        if near:
            index = min(near, key=lambda one: (abs(free[one].size - length), one))
            chosen.append(Judged(number=index, tokens=free.pop(index), origin="given"))
        elif longer and place % 3 != 2:
            tokens = given[longer[int(rng.integers(len(longer)))]]
            chosen.append(Judged(number=number, tokens=tokens[:length].copy(), origin="cut from a given one"))
        else:
            tokens = make_up(length, vocab_size, rng, given, repeats=place % 3 == 2)
            chosen.append(Judged(number=number, tokens=tokens, origin=MADE_UP))
    return chosen


def make_up(
    length: int, vocab_size: int, rng: np.random.Generator, given: Sequence[Tokens] = (), *, repeats: bool = False
) -> Tokens:
    """A document of so many tokens, BOS first: frequent and rare tokens, habits from token to token, repeated phrases.

    Where documents are given it has their BOS and their frequencies, otherwise Zipf's over the vocabulary.
    """
    bos = int(given[0][0]) if given else min(BOS, vocab_size - 1)
    if given:
        weight_V = np.bincount(np.concatenate(list(given)), minlength=vocab_size) + 0.1
    else:
        weight_V = 1 / (1 + rng.permutation(vocab_size))
    weight_V[bos] = 0.0
    successor_V = rng.choice(vocab_size, vocab_size, p=weight_V / weight_V.sum())
    tokens = rng.choice(vocab_size, length, p=weight_V / weight_V.sum())
    for entry in range(1, length):
        if rng.random() < 0.5:
            tokens[entry] = successor_V[tokens[entry - 1]]
    if repeats:
        phrase = tokens[: min(24, length)].copy()
        tokens = np.where(rng.random(length) < 0.95, np.resize(phrase, length), tokens)
    tokens[0] = bos
    return tokens.astype(np.int64)
