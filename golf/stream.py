"""The training stream: shards one after the other, mapped into memory and read only where a batch needs them.

The challenge's training shards are 200 MB each; eight ranks that each copied all of them would fill a node's memory.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf.errors import InputError
from golf.tokens import BOS, Tokens, read_shard, split_documents


class Stream:
    """Arrays of token ids as one sequence, none of them copied."""

    def __init__(self, shards: Sequence[Tokens]) -> None:
        self.shards = tuple(shards)
        self._ends = np.cumsum([len(shard) for shard in self.shards])

    @classmethod
    def open(cls, paths: Sequence[Path]) -> "Stream":
        """Map shard files.

        Raises:
            InputError: one is missing, foreign, truncated or too long.
        """
        return cls([read_shard(path) for path in paths])

    def __len__(self) -> int:
        return int(self._ends[-1]) if self.shards else 0

    @property
    def largest(self) -> int:
        """The largest id; needs a token."""
        return max(int(shard.max()) for shard in self.shards if len(shard))

    def read(self, start: int, count: int) -> NDArray[np.int64]:
        """So many tokens from a position on, int64 [count]; after the last one comes the first. Needs a token."""
        parts, place = [], start % len(self)
        while count:
            index = int(np.searchsorted(self._ends, place, side="right"))
            shard = self.shards[index]
            first = place - int(self._ends[index]) + len(shard)
            part = shard[first : first + count]
            parts.append(part)
            count -= len(part)
            place = (place + len(part)) % len(self)
        return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64, copy=False)

    def hold_out(self, documents: int) -> tuple["Stream", list[Tokens]]:
        """Cut the last `documents` documents off: what is trained on, and what may be tuned on (copied).

        Raises:
            InputError: no document would be left.
        """
        if documents == 0:
            return self, []
        missing = documents
        for index in reversed(range(len(self.shards))):
            shard = self.shards[index]
            starts = np.flatnonzero(shard == BOS)
            if len(starts) >= missing:
                cut = int(starts[-missing])
                kept = Stream([*self.shards[:index], shard[:cut]])
                if any((one == BOS).any() for one in reversed(kept.shards)):
                    return kept, split_documents(np.concatenate([shard[cut:], *self.shards[index + 1 :]]))
                break
            missing -= len(starts)
        raise InputError(f"training tokens: holding out {documents} of their documents leaves none")
