"""Continuous batching: which chunks of which documents are computed together, as a pure function of lengths.

A document holds one of a lane's slots from its first chunk to its last. Slots that fall free are taken by the longest
document that waits. Chunks computed together have windows of one width; which of the possible groups goes next is
decided by size, so that a few documents with a narrow window wait until they are many. Documents share nothing but
arithmetic: their order decides speed alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golf.ttt.config import EvalConfig

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One chunk each of N documents, computed together; every array is int64 [N]."""

    documents: Ints
    slots: Ints
    passes: Ints
    """Number of the pass over the document, from 0."""
    chunks: Ints
    """Number of the chunk within the document, from 0."""
    last: bool
    """Whether these are their documents' last chunks, which are scored and never trained on."""


@dataclass(slots=True)
class _Traveller:
    """A document on its way."""

    document: int
    slot: int
    last_chunk: int
    number: int = 0
    chunk: int = 0


def plan_visits(lengths: Sequence[int], config: EvalConfig, slots: int) -> Iterator[Visit]:
    """Visits that take every document through its passes, with at most `slots` documents on their way at once.

    Args:
        lengths: predictions of each document, at least 1.
        config: its chunk, window and passes.
        slots: documents that fit the memory.
    """
    waiting = sorted(range(len(lengths)), key=lambda index: (lengths[index], -index))
    free = list(range(slots))[::-1]
    groups: dict[int, list[_Traveller]] = defaultdict(list)

    def join(one: _Traveller) -> None:
        if one.chunk == one.last_chunk and not config.lowest_counts and one.number < config.passes - 1:
            # What an earlier pass says of its last chunk is neither trained on nor kept.
            one.number, one.chunk = (one.number + 1, 0) if one.last_chunk else (config.passes - 1, 0)
        # A last chunk's window may end early: those of all documents go together, padded to the widest.
        width = min((one.chunk + 1) * config.chunk, config.window)
        groups[0 if one.chunk == one.last_chunk else width].append(one)

    while waiting or len(free) < slots:
        while waiting and free:
            document = waiting.pop()
            join(_Traveller(document, free.pop(), (lengths[document] - 1) // config.chunk))
        width = max(groups, key=lambda width: (len(groups[width]), width))
        together = groups.pop(width)
        yield Visit(
            documents=np.array([one.document for one in together], np.int64),
            slots=np.array([one.slot for one in together], np.int64),
            passes=np.array([one.number for one in together], np.int64),
            chunks=np.array([one.chunk for one in together], np.int64),
            last=width == 0,
        )
        for one in together:
            one.number, one.chunk = (one.number + 1, 0) if width == 0 else (one.number, one.chunk + 1)
            if one.number < config.passes:
                join(one)
            else:
                free.append(one.slot)
