"""Was validation text trained on? Find documents and long token windows that both sets contain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.integer[Any]]

WINDOW = 64
"""Tokens of a window: common phrases and quotations are shorter, copies are longer."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: an odd number whose powers mix well (Knuth, TAOCP 3, 6.4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """How much of one document occurs in the training tokens."""

    document: int
    windows: int
    """Its windows of WINDOW tokens, one starting at every position; a shorter document is one window."""
    shared: int
    """How many of them occur in the training tokens."""
    first: int
    """Position where the first of those starts."""


def overlaps(documents: Sequence[Tokens], training: Iterable[Tokens], window: int = WINDOW) -> list[Overlap]:
    """Find documents that share a window with the training tokens.

    Compares polynomial hashes modulo 2⁶⁴ (Karp and Rabin 1987). Every match counts: among 10¹⁰ training windows and a
    million validation windows a false one has probability about 10⁻³.

    Args:
        documents: validation documents. BOS and the next document's BOS are not compared.
        training: training shards; each is read once, and only one is in memory at a time.
        window: tokens of a window. A shorter document is compared as a whole, with windows of its length.
    """
    bodies = [np.asarray(document[1:-1], np.uint64) for document in documents]
    by_width: dict[int, list[int]] = {}
    for index, body in enumerate(bodies):
        if body.size:
            by_width.setdefault(min(window, body.size), []).append(index)
    hashes = {index: _hash_windows(bodies[index], width) for width, indices in by_width.items() for index in indices}
    shared = {index: np.zeros(values.size, bool) for index, values in hashes.items()}
    for shard in training:
        stream = np.asarray(shard, np.uint64)
        for width, indices in by_width.items():
            if stream.size >= width:
                known = np.sort(_hash_windows(stream, width))
                for index in indices:
                    place = np.searchsorted(known, hashes[index]).clip(max=known.size - 1)
                    shared[index] |= known[place] == hashes[index]
    return [
        Overlap(document=index, windows=hit.size, shared=int(hit.sum()), first=int(hit.argmax()) + 1)
        for index, hit in sorted(shared.items())
        if hit.any()
    ]


def _hash_windows(tokens: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """The hash of every window: Σ (token + 1)·MULTIPLIER^(width − 1 − i), modulo 2⁶⁴."""
    hashes = np.zeros(tokens.size - width + 1, np.uint64)
    for place in range(width):
        hashes = hashes * MULTIPLIER + tokens[place : place + hashes.size] + np.uint64(1)
    return hashes
