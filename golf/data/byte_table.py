"""The bytes of each token, learned from the byte files of a data set that counts them itself.

A data set whose tokenizer changes the text, e.g. its case, has files with the bytes of each token of its validation
shards. Other tokens of it can be counted by them: a token has the bytes that it has there, after a token with text or
after one without, such as BOS, where a leading space is dropped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.data.tokens import BOS, Tokens, read_shard
from golf.errors import InputError

VOCABULARY = 2**16
"""Token ids that fit into a shard."""
UNKNOWN = -1
_AT_ONCE = 2**22
"""Tokens that are looked at at once, which bounds the memory it takes."""


@dataclass(frozen=True, slots=True, eq=False)
class ByteTable:
    """Bytes of each token as a target."""

    counts: NDArray[np.int32]
    """[2, 65536], after a token with text and after one without; -1 where the files name no value, or two."""
    silent: NDArray[np.bool_]
    """Tokens that never have any bytes, [65536]."""

    @classmethod
    def learn(cls, shards: Sequence[Path], files: Sequence[Path]) -> "ByteTable":
        """Read the counts of the tokens of shards off their byte files.

        Raises:
            InputError: a file is no shard, or does not fit its shard.
        """
        most = np.full(VOCABULARY, UNKNOWN, np.int32)
        for tokens, counts in _parts(shards, files):
            np.maximum.at(most, tokens[1:], counts[1:])
        silent = most == 0
        silent[BOS] = True
        largest = np.full((2, VOCABULARY), UNKNOWN, np.int32)
        smallest = np.full((2, VOCABULARY), np.iinfo(np.int32).max, np.int32)
        for tokens, counts in _parts(shards, files):
            place = silent[tokens[:-1]].astype(np.intp), tokens[1:]
            np.maximum.at(largest, place, counts[1:])
            np.minimum.at(smallest, place, counts[1:])
        table = np.where(largest == smallest, largest, np.int32(UNKNOWN))
        table[:, silent] = 0
        return cls(table, silent)

    def count(self, tokens: Tokens) -> NDArray[np.int32]:
        """Bytes of each token of a stream that starts with a document, int32 [n]; -1 where they are not known."""
        after = np.concatenate([np.ones(1, np.intp), self.silent[tokens[:-1]].astype(np.intp)])
        counts: NDArray[np.int32] = self.counts[after, tokens]
        return counts

    def knows(self, document: Tokens) -> bool:
        """Whether the bytes of all tokens of a document are known."""
        return bool((self.count(document) != UNKNOWN).all())


def _parts(shards: Sequence[Path], files: Sequence[Path]) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Tokens and their bytes, in parts that overlap by one token."""
    for shard, file in zip(shards, files, strict=True):
        tokens, counts = read_shard(shard), read_shard(file)
        if len(tokens) != len(counts):
            raise InputError(f"{file}: byte counts of {len(counts)} tokens; expected {len(tokens)}, as in {shard.name}")
        for start in range(0, len(tokens), _AT_ONCE):
            stop = start + _AT_ONCE + 1
            yield tokens[start:stop].astype(np.intp), counts[start:stop].astype(np.int32)
