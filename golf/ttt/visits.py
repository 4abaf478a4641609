"""Continuous batching: which chunks of which documents are computed together, as a pure function of lengths.

A document occupies one of a lane's slots from its first chunk to its last; the longest waiting document takes a free
slot. Chunks computed together have windows of equal width. The largest group goes next, so that documents with a rare
width wait until more have it. Documents share only the computation: their order affects nothing but speed.
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
    """Whether these are their documents' last chunks, which are scored but never trained on."""


@dataclass(slots=True)
class _Active:
    """A document in a slot: its current pass and chunk."""

    document: int
    slot: int
    last_chunk: int
    current_pass: int = 0
    chunk: int = 0


def plan_visits(lengths: Sequence[int], config: EvalConfig, slots: int) -> Iterator[Visit]:
    """Plan visits that take every document through its passes, with at most `slots` documents active at a time.

    Args:
        lengths: predictions of each document, at least 1.
        config: its chunk, window and passes.
        slots: documents that fit into memory.
    """
    waiting = sorted(range(len(lengths)), key=lambda index: (lengths[index], -index))
    free = list(range(slots))[::-1]
    groups: dict[int, list[_Active]] = defaultdict(list)

    def enqueue(active: _Active) -> None:
        last_pass = config.passes - 1
        if active.chunk == active.last_chunk and not config.lowest_counts and active.current_pass < last_pass:
            # Earlier passes skip the last chunk: its score is not kept, and it is never trained on.
            active.current_pass, active.chunk = (active.current_pass + 1 if active.last_chunk else last_pass), 0
        # Last chunks of all documents go together, padded to the widest window, because their windows may end early.
        width = min((active.chunk + 1) * config.chunk, config.window)
        groups[0 if active.chunk == active.last_chunk else width].append(active)

    while waiting or len(free) < slots:
        while waiting and free:
            document = waiting.pop()
            enqueue(_Active(document, free.pop(), (lengths[document] - 1) // config.chunk))
        width = max(groups, key=lambda width: (len(groups[width]), width))
        together = groups.pop(width)
        yield Visit(
            documents=np.array([active.document for active in together], np.int64),
            slots=np.array([active.slot for active in together], np.int64),
            passes=np.array([active.current_pass for active in together], np.int64),
            chunks=np.array([active.chunk for active in together], np.int64),
            last=width == 0,
        )
        for active in together:
            if width == 0:
                active.current_pass, active.chunk = active.current_pass + 1, 0
            else:
                active.chunk += 1
            if active.current_pass < config.passes:
                enqueue(active)
            else:
                free.append(active.slot)
