"""The training stream: shards mapped into memory as one sequence and read only where a batch needs them.

The challenge's training shards have 200 MB each: copies of all of them in eight ranks would fill a node's memory.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf.data.tokens import Tokens, find_starts, read_shard, split_documents
from golf.errors import InputError

DIGEST_WINDOWS, DIGEST_TOKENS = 1024, 4096
"""Number and tokens of the windows that the digest of a large stream covers: several in each shard of the challenge."""


class Stream:
    """Arrays of token ids as one sequence, without copying them."""

    def __init__(self, shards: Sequence[Tokens]) -> None:
        """Join arrays [n] of token ids.

        Raises:
            InputError: an array is not one row of integers.
        """
        self.shards = tuple(shards)
        for shard in self.shards:
            if shard.ndim != 1 or shard.dtype.kind not in "iu":
                shape = f"shape {shard.shape} of {shard.dtype}"
                raise InputError(f"training tokens: {shape}; expected one row of integers")
        self._ends = np.cumsum([len(shard) for shard in self.shards])

    @classmethod
    def open(cls, paths: Sequence[Path]) -> "Stream":
        """Map shard files into memory.

        Raises:
            InputError: a file is missing, not a shard, truncated or too long.
        """
        return cls([read_shard(path) for path in paths])

    def __len__(self) -> int:
        return int(self._ends[-1]) if self.shards else 0

    def digest(self) -> str:
        """SHA-256, as hex, of the length and of evenly spaced windows; up to 4 million tokens, of all of them.

        It takes seconds for any size and tells data sets apart, but may miss a few changed tokens of a large one.
        """
        whole = hashlib.sha256(str(len(self)).encode())
        for start in range(0, len(self), max(DIGEST_TOKENS, len(self) // DIGEST_WINDOWS)):
            whole.update(self.read(start, min(DIGEST_TOKENS, len(self) - start)).astype("<i8").tobytes())
        return whole.hexdigest()

    def read(self, start: int, count: int) -> NDArray[np.int64]:
        """Read `count` tokens from a position on, int64 [count], wrapping around; the stream must not be empty."""
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
        """Split off the last `documents` documents: the stream to train on, and the documents (copied) to tune on.

        Raises:
            InputError: no document would be left to train on.
        """
        if documents == 0:
            return self, []
        missing = documents
        for index in reversed(range(len(self.shards))):
            shard = self.shards[index]
            starts = find_starts(shard)
            if len(starts) >= missing:
                cut = int(starts[-missing])
                kept = Stream([*self.shards[:index], shard[:cut]])
                if any(len(find_starts(shard)) for shard in reversed(kept.shards)):
                    return kept, split_documents(np.concatenate([shard[cut:], *self.shards[index + 1 :]]))
                break
            missing -= len(starts)
        raise InputError(f"training tokens: holding out {documents} documents leaves none to train on; expected fewer")
