"""Documents to be scored, and the bytes that bits per byte are measured in.

How many bytes a token stands for is its tokenizer's to say, unless the data set says so itself: then there is a file
`*_val_bytes_*.bin` beside each shard `*_val_*.bin`, in the same container, with the bytes of every token as a target.
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
    """Documents and the sizes of their text; all three lists are as long."""

    documents: list[Tokens]
    counts: list[NDArray[np.uint16]]
    """UTF-8 bytes of the targets of each document, uint16 [n − 1]."""
    num_bytes: list[int]
    """Of each document."""

    @classmethod
    def of(cls, documents: list[Tokens], counts: list[NDArray[np.uint16]]) -> "Texts":
        """With the sums taken."""
        return cls(documents=documents, counts=counts, num_bytes=[int(one.sum(dtype=np.int64)) for one in counts])


def count_texts(documents: list[Tokens], tokenizer: Tokenizer) -> Texts:
    """Documents as their tokenizer counts them.

    Raises:
        InputError: its count of one is not the length of the text that it decodes to.
    """
    return Texts.of(documents, [tokenizer.check_bytes(document).astype(np.uint16) for document in documents])


def read_texts(shards: Sequence[Path], tokenizer: Tokenizer) -> Texts:
    """Documents of shards as the data set counts them, or else their tokenizer.

    Raises:
        InputError: a file is missing or damaged, does not belong to the others, or the tokenizer counts wrongly.
    """
    stream, files = read_stream(shards), byte_files(shards)
    spans = document_spans(stream)
    documents: list[Tokens] = [stream[span] for span in spans]
    if not files:
        return count_texts(documents, tokenizer)
    for shard, file in zip(shards, files, strict=True):
        if (found := len(read_shard(file))) != (expected := len(read_shard(shard))):
            raise InputError(f"{file}: bytes of {found} tokens; {shard.name} has {expected}")
    num_bytes = read_stream(files)
    return Texts.of(documents, [num_bytes[span][1:] for span in spans])


def byte_files(shards: Sequence[Path]) -> list[Path]:
    """The file with the bytes of each shard's tokens, where a data set has such.

    Raises:
        InputError: it has them for some of the shards only, or one of the shards is such a file.
    """
    found: list[Path] = []
    for shard in shards:
        if "_val_bytes_" in shard.name:
            raise InputError(f"{shard}: holds the bytes of tokens; expected a shard of tokens")
        file = shard.with_name(shard.name.replace("_val_", "_val_bytes_"))
        found += [file] if file != shard and file.is_file() else []
    if found and len(found) < len(shards):
        some = f"{len(found)} of {len(shards)} shards have a *_val_bytes_*.bin beside them"
        raise InputError(f"{shards[0].parent}: {some}; expected all or none")
    return found


def with_byte_files(shards: Sequence[Path]) -> list[Path]:
    """All files that decide scores in bits per byte, to be told apart by digest."""
    return [*shards, *byte_files(shards)]


def require_text(num_bytes: Sequence[int], where: str) -> None:
    """Refuse documents that have no text to measure bits per byte by."""
    if not any(num_bytes):
        raise InputError(f"{where}: its documents have no text; bits per byte need one byte of it at least")
