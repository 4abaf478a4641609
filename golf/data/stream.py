"""The training stream: shards one after the other, mapped into memory and read only where a batch needs them.

The challenge's training shards are 200 MB each; eight ranks that each copied all of them would fill a node's memory.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf.data.tokens import BOS, Tokens, read_shard, split_documents
from golf.errors import InputError

DIGEST_WINDOWS, DIGEST_TOKENS = 1024, 4096
"""Windows of a large stream that its digest looks at, and tokens of each: some of every shard of the challenge's."""


class Stream:
    """Arrays of token ids as one sequence, none of them copied."""

    def __init__(self, shards: Sequence[Tokens]) -> None:
        """Raises: InputError, if a shard is not one row of integers."""
        self.shards = tuple(shards)
        for shard in self.shards:
            if shard.ndim != 1 or shard.dtype.kind not in "iu":
                found = f"shape {shard.shape} of {shard.dtype}"
                raise InputError(f"training tokens: {found}; expected one row of integers")
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

    @property
    def smallest(self) -> int:
        """The smallest id, or 0 where shards can hold nothing below and are not read for it; needs a token."""
        return min(int(shard.min()) if shard.dtype.kind == "i" else 0 for shard in self.shards if len(shard))

    def digest(self) -> str:
        """SHA-256 over the length and evenly spaced windows: over all of it up to 4 million tokens, in seconds beyond.

        It tells data sets apart; a few tokens changed in a large one may escape it.
        """
        whole = hashlib.sha256(str(len(self)).encode())
        for start in range(0, len(self), max(DIGEST_TOKENS, len(self) // DIGEST_WINDOWS)):
            whole.update(self.read(start, min(DIGEST_TOKENS, len(self) - start)).astype("<i8").tobytes())
        return whole.hexdigest()

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
