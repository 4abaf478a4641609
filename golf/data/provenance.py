"""Whether a validation set is whole, and apart from the training tokens.

A validation set that lacks a sixth of its tokens gives a plausible score, and so does one that was trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.data.tokens import BOS, find_starts, read_shard
from golf.errors import InputError

Tokens = NDArray[np.integer[Any]]
CONTEST_FILES = "fineweb_val_*.bin"
"""Names of the validation shards of the challenge, whatever their tokenizer."""
CONTEST_DOCUMENTS = 50_000
"""Documents of its validation set (the challenge's README)."""
STAND_IN_DOCUMENTS = 5_000
"""Sets of fewer documents under these names are stand-ins to try things out with."""
CONTEST_WHOLE_TOKENS = 62_021_632
"""Tokens of the whole sequences of 1,024 that the set has with the tokenizer of 1,024 pieces, by public logs."""
CONTEST_TOKENS: Mapping[int, range] = {1024: range(CONTEST_WHOLE_TOKENS + 1, CONTEST_WHOLE_TOKENS + 1024 + 1)}
"""Pieces of a tokenizer → tokens of the validation set: public logs print how many whole sequences of 1,024 it has."""
START = np.array([BOS], np.uint16)
COMPARED = 32
"""First and last tokens that tell whether training shards have a document; shorter documents are not looked for."""
MOST_SHARED = 0.1
"""Share of the validation documents that may stand in the training shards: web text has copies of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A validation set as it was found."""

    shards: Sequence[Path]
    documents: Sequence[Tokens]
    tokens: int
    vocab_size: int


def check_whole(validation: Split) -> None:
    """Check that the challenge's validation shards have all of its documents and tokens.

    Raises:
        InputError: they have more or fewer.
    """
    count, where = len(validation.documents), validation.shards[0].parent / CONTEST_FILES
    if count < STAND_IN_DOCUMENTS or not any(path.match(CONTEST_FILES) for path in validation.shards):
        return
    if count != CONTEST_DOCUMENTS:
        raise InputError(
            f"{where}: {count:,} documents; expected the challenge's validation set, which has {CONTEST_DOCUMENTS:,}"
        )
    expected = CONTEST_TOKENS.get(validation.vocab_size)
    if expected is not None and validation.tokens not in expected:
        raise InputError(
            f"{where}: {validation.tokens:,} tokens, {validation.tokens / expected.start:.1%} of the challenge's "
            f"validation set; expected {expected.start:,} to {expected.stop - 1:,} with that tokenizer"
        )


def check_apart(validation: Split, training: Sequence[Path]) -> None:
    """Check that training shards do not contain the validation set.

    Raises:
        InputError: a tenth or more of its documents stand in them from beginning to end.
    """
    parts = [part for document in validation.documents for part in (START, _body(document))]
    wanted = _documents_in(np.concatenate([START[:0], *parts]))
    if not wanted:
        return
    shared: set[bytes] = set()
    for path in training:
        shared |= wanted & _documents_in(np.asarray(read_shard(path)))
        if len(shared) >= max(1.0, MOST_SHARED * len(wanted)):
            count = f"{len(shared):,} of {len(wanted):,}"
            raise InputError(f"{path}: holds documents of the validation set ({count}); expected training tokens only")


def _body(document: Tokens) -> NDArray[np.uint16]:
    """A document without its BOS, nor that of the next one."""
    body = np.asarray(document[1:], np.uint16)
    return body[:-1] if body.size and body[-1] == BOS else body


def _documents_in(stream: NDArray[np.uint16]) -> set[bytes]:
    """What each document that begins in a stream is recognized by: its length, first and last tokens."""
    starts = find_starts(stream)
    lengths = np.append(starts[1:], len(stream)) - starts - 1
    starts, lengths = starts[lengths >= COMPARED], lengths[lengths >= COMPARED]
    near = np.arange(COMPARED)
    first, last = stream[starts[:, None] + 1 + near], stream[(starts + lengths)[:, None] - near]
    sizes = lengths[:, None].astype("<u8").view(np.uint16)
    rows = np.ascontiguousarray(np.concatenate([sizes, first, last], axis=1))
    return {row.tobytes() for row in rows}
