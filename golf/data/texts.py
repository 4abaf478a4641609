"""Documents to score, with the UTF-8 bytes of their text, which bits per byte are divided by.

The tokenizer decides how many bytes a token has, unless the data set does: then a file `*_val_bytes_*.bin` of the same
format lies beside each shard `*_val_*.bin` and holds the bytes of every token as a target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf.data.tokens import Tokenizer, Tokens, document_spans, read_shard, read_stream
from golf.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """Documents and the sizes of their texts; all three lists have one item per document."""

    documents: list[Tokens]
    counts: list[NDArray[np.uint16]]
    """UTF-8 bytes of each document's targets, uint16 [n − 1]."""
    num_bytes: list[int]
    """UTF-8 bytes of each document's text."""

    @classmethod
    def of(cls, documents: list[Tokens], counts: list[NDArray[np.uint16]]) -> "Texts":
        """Add up the counts of each document."""
        return cls(documents=documents, counts=counts, num_bytes=[int(count.sum(dtype=np.int64)) for count in counts])


def count_texts(documents: list[Tokens], tokenizer: Tokenizer) -> Texts:
    """Count the bytes of documents with their tokenizer.

    Raises:
        InputError: a count is not the length of the decoded text.
    """
    return Texts.of(documents, [tokenizer.check_bytes(document).astype(np.uint16) for document in documents])


def read_texts(shards: Sequence[Path], tokenizer: Tokenizer) -> Texts:
    """Read the documents of shards, with the byte counts of the data set, or of the tokenizer if it has none.

    Raises:
        InputError: a file is missing or damaged, byte files do not fit their shards, or the tokenizer counts wrongly.
    """
    stream, files = read_stream(shards), byte_files(shards)
    spans = document_spans(stream)
    documents: list[Tokens] = [stream[span] for span in spans]
    if not files:
        return count_texts(documents, tokenizer)
    for shard, file in zip(shards, files, strict=True):
        if (counted := len(read_shard(file))) != (expected := len(read_shard(shard))):
            raise InputError(f"{file}: byte counts of {counted} tokens; expected {expected}, as in {shard.name}")
    num_bytes = read_stream(files)
    return Texts.of(documents, [num_bytes[span][1:] for span in spans])


def count_bytes(shards: Sequence[Path], documents: Sequence[Tokens], tokenizer: Tokenizer | None) -> int:
    """UTF-8 bytes of all documents of shards, by the data set's own files, or by the tokenizer if it has none.

    The tokenizer's counts are not compared with decoded text, which takes a minute for the challenge's set.

    Raises:
        InputError: a byte file is missing or damaged.
    """
    if files := byte_files(shards):
        return int(read_stream(files).sum(dtype=np.int64))
    assert tokenizer is not None, "without byte files the tokenizer counts"
    return sum(int(tokenizer.byte_counts(document).sum()) for document in documents)


def byte_files(shards: Sequence[Path]) -> list[Path]:
    """The byte file of each shard; an empty list if the data set has none.

    Raises:
        InputError: only some shards have one, or one of the shards is itself a byte file.
    """
    files: list[Path] = []
    for shard in shards:
        if "_val_bytes_" in shard.name:
            raise InputError(f"{shard}: holds byte counts; expected a shard of tokens")
        file = shard.with_name(shard.name.replace("_val_", "_val_bytes_"))
        files += [file] if file != shard and file.is_file() else []
    if files and len(files) < len(shards):
        some = f"{len(files)} of {len(shards)} shards have a *_val_bytes_*.bin beside them"
        raise InputError(f"{shards[0].parent}: {some}; expected all or none")
    return files


def with_byte_files(shards: Sequence[Path]) -> list[Path]:
    """The shards and their byte files: all files that decide a score in bits per byte."""
    return [*shards, *byte_files(shards)]


def require_text(num_bytes: Sequence[int], where: str) -> None:
    """Check that documents have text, which bits per byte need.

    Raises:
        InputError: all texts are empty; the message starts with `where`.
    """
    if not any(num_bytes):
        raise InputError(f"{where}: its documents have no text; bits per byte need at least one byte")
