"""Was validation text trained on? Documents, and long windows of tokens, that both sets hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.integer[Any]]

WINDOW = 64
"""Tokens of a window: common phrases and quotations are shorter, copies are longer."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: an odd number whose powers mix well (Knuth, TAOCP 3, 6.4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """How much of one document is in the training tokens."""

    document: int
    windows: int
    """Its windows of WINDOW tokens, one starting at every entry; of a shorter document the document itself."""
    shared: int
    """Those of them that the training tokens hold."""
    first: int
    """The entry where the first of them starts."""


def overlaps(documents: Sequence[Tokens], training: Iterable[Tokens], window: int = WINDOW) -> list[Overlap]:
    """Documents that share a window with the training tokens.

    Compared are polynomial hashes modulo 2⁶⁴ (Karp and Rabin 1987); every match counts, so that a chance one among
    10¹⁰ windows and a million validation windows has a probability of about 10⁻³.

    Args:
        documents: validation documents. BOS and the next document's BOS are not compared.
        training: training shards; each is read once and need not fit beside the others.
        window: tokens of a window. A document of fewer is compared as a whole, with windows of its length.
    """
    bodies = [np.asarray(document[1:-1], np.uint64) for document in documents]
    by_width: dict[int, list[int]] = {}
    for index, body in enumerate(bodies):
        if body.size:
            by_width.setdefault(min(window, body.size), []).append(index)
    hashes = {index: _hashes(bodies[index], width) for width, found in by_width.items() for index in found}
    shared = {index: np.zeros(values.size, bool) for index, values in hashes.items()}
    for shard in training:
        stream = np.asarray(shard, np.uint64)
        for width, indices in by_width.items():
            if stream.size >= width:
                known = np.unique(_hashes(stream, width))
                for index in indices:
                    place = np.searchsorted(known, hashes[index]).clip(max=known.size - 1)
                    shared[index] |= known[place] == hashes[index]
    return [
        Overlap(document=index, windows=hit.size, shared=int(hit.sum()), first=int(hit.argmax()) + 1)
        for index, hit in sorted(shared.items())
        if hit.any()
    ]


def _hashes(tokens: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """The hash of every window: Σ (token + 1)·MULTIPLIER^(width − 1 − i), in arithmetic modulo 2⁶⁴."""
    found = np.zeros(tokens.size - width + 1, np.uint64)
    for place in range(width):
        found = found * MULTIPLIER + tokens[place : place + found.size] + np.uint64(1)
    return found
