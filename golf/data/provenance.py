"""Whether a validation set is whole, and apart from the training tokens.

A validation set that lacks a sixth of its tokens gives a plausible score, and so does one that was trained on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.data.texts import byte_files, count_bytes
from golf.data.tokens import BOS, Tokenizer, find_starts, read_shard, read_stream, split_documents
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
CONTEST_TOKENS: Mapping[int, int] = {1024: 62_021_846}
"""Pieces of a tokenizer → tokens of the validation set, by the manifest of the published data. Others have several."""
CONTEST_BYTES = 151_080_891
"""UTF-8 bytes of its text, in which public counts with five tokenizers agree up to `BYTES_APART`."""
BYTES_APART = 1e-5
"""Share by which tokenizers that rewrite the text first may count other bytes; the CaseOps set has 246 fewer."""
START = np.array([BOS], np.uint16)
BLOCK = 4096
"""Documents that are looked at together, so that memory does not grow with their number."""
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
    vocab_size: int | None
    """None without a tokenizer that is known here."""
    count_bytes: Callable[[], int] | None
    """Counts the UTF-8 bytes of its text, which takes a while; None where nothing tells them."""


def read_split(shards: Sequence[Path], tokenizer: Tokenizer | None) -> Split:
    """A validation set from its shards.

    Args:
        shards: in the challenge's form.
        tokenizer: of its tokens; None where it is none of SentencePiece.

    Raises:
        InputError: a shard cannot be read.
    """
    stream = read_stream(shards)
    documents = split_documents(stream)
    return Split(
        shards=shards,
        documents=documents,
        tokens=len(stream),
        vocab_size=None if tokenizer is None else tokenizer.vocab_size,
        count_bytes=partial(count_bytes, shards, documents, tokenizer) if tokenizer or byte_files(shards) else None,
    )


def check_whole(validation: Split) -> None:
    """Check that the challenge's validation shards have all of its documents, tokens and bytes.

    No digest of them is published, so a set of the same counts in another order is not noticed.

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
    known = None if validation.vocab_size is None else CONTEST_TOKENS.get(validation.vocab_size)
    expected = validation.tokens if known is None else known
    if validation.tokens != expected:
        raise InputError(
            f"{where}: {validation.tokens:,} tokens, {validation.tokens / expected:.1%} of the challenge's validation "
            f"set; expected {expected:,} with that tokenizer"
        )
    if validation.count_bytes is None:
        return
    num_bytes = validation.count_bytes()
    if abs(num_bytes - CONTEST_BYTES) > BYTES_APART * CONTEST_BYTES:
        raise InputError(
            f"{where}: {num_bytes:,} bytes of text; expected the challenge's validation set, with {CONTEST_BYTES:,}"
        )


def check_apart(validation: Split, training: Sequence[Path]) -> None:
    """Check that training shards do not contain the validation set.

    Raises:
        InputError: a tenth or more of its documents stand in them from beginning to end.
    """
    wanted: set[bytes] = set()
    for place in range(0, len(validation.documents), BLOCK):
        documents = validation.documents[place : place + BLOCK]
        parts = [part for document in documents for part in (START, _body(document))]
        wanted.update(_documents_in(np.concatenate(parts)))
    if not wanted:
        return
    shared: set[bytes] = set()
    for path in training:
        shared.update(name for name in _documents_in(np.asarray(read_shard(path))) if name in wanted)
        if len(shared) >= max(1.0, MOST_SHARED * len(wanted)):
            count = f"{len(shared):,} of {len(wanted):,}"
            raise InputError(f"{path}: holds documents of the validation set ({count}); expected training tokens only")


def _body(document: Tokens) -> NDArray[np.uint16]:
    """A document without its BOS, nor that of the next one."""
    body = np.asarray(document[1:], np.uint16)
    return body[:-1] if body.size and body[-1] == BOS else body


def _documents_in(stream: NDArray[np.uint16]) -> Iterator[bytes]:
    """What each document that begins in a stream is recognized by: its length, first and last tokens."""
    starts = find_starts(stream)
    lengths = np.append(starts[1:], len(stream)) - starts - 1
    near = np.arange(COMPARED)
    long_enough = np.flatnonzero(lengths >= COMPARED)
    for place in range(0, len(long_enough), BLOCK):
        chosen = long_enough[place : place + BLOCK]
        begin, length = starts[chosen], lengths[chosen]
        first, last = stream[begin[:, None] + 1 + near], stream[(begin + length)[:, None] - near]
        sizes = length[:, None].astype("<u8").view(np.uint16)
        rows = np.ascontiguousarray(np.concatenate([sizes, first, last], axis=1))
        yield from (row.tobytes() for row in rows)
