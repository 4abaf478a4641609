"""The challenge's files: token shards, the documents in them, and the UTF-8 bytes of each token.

A shard is 256 little-endian int32 header words (magic 20240520, version 1, number of tokens, zeros), then that many
little-endian uint16 token ids, and nothing else.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sentencepiece
from numpy.typing import ArrayLike, NDArray

from golf.errors import InputError
from golf.files import open_regular, read_regular, write_atomically
from golf.limits import MAX_DOCUMENTS

MAGIC = 20240520
VERSION = 1
HEADER_WORDS = 256
HEADER_BYTES = 4 * HEADER_WORDS
DATA_PATH = Path("data/datasets/fineweb10B_sp1024")
"""Default folder of the shards in the challenge's own script."""
BOS = 1
"""Token id that starts every document."""
MAX_SHARD_TOKENS = 2**29
"""The challenge's shards have at most 100 million; a header that claims more than this is refused."""
MAX_TOKENIZER_BYTES = 2**26
_SCANNED_TOKENS = 2**24
"""Tokens that are compared with BOS at once, which bounds the memory it takes."""
SPACE = "▁"
"""SentencePiece's character for a leading space, U+2581."""

Tokens = NDArray[np.integer[Any]]


def read_shard(path: Path) -> NDArray[np.uint16]:
    """Map the tokens of one shard into memory, read-only, uint16 [n].

    Raises:
        InputError: the file is missing, not a shard, truncated or too long.
    """
    with open_regular(path, "expected a token shard") as stream:
        try:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(HEADER_BYTES)
            header = np.frombuffer(start, "<i4", len(start) // 4)
            count = _count_tokens(path, size, header)
            return np.memmap(stream, "<u2", "r", HEADER_BYTES, (count,)) if count else np.empty(0, np.uint16)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); expected a token shard") from None


def _count_tokens(path: Path, size: int, header: NDArray[np.int32]) -> int:
    """The number of tokens that a shard of `size` bytes has by its header."""
    if len(header) < HEADER_WORDS:
        raise InputError(
            f"{path}: {size} bytes; expected a token shard, which starts with a header of {HEADER_BYTES} bytes"
        )
    if header[0] != MAGIC or header[1] != VERSION:
        raise InputError(
            f"{path}: not a token shard; it starts with {header[0]}, {header[1]} instead of {MAGIC}, {VERSION}"
        )
    count = int(header[2])
    if count < 0 or size != HEADER_BYTES + 2 * count:
        raise InputError(
            f"{path}: {size} bytes; its header says {count} tokens, which take {HEADER_BYTES + 2 * count} bytes"
        )
    if count > MAX_SHARD_TOKENS:
        raise InputError(f"{path}: its header says {count} tokens; expected at most {MAX_SHARD_TOKENS} in one shard")
    return count


def write_shard(path: Path, tokens: Sequence[int] | Tokens) -> None:
    """Write tokens as one shard, atomically.

    Raises:
        InputError: a token id does not fit into uint16.
    """
    ids = np.asarray(tokens)
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 2**16:
        raise InputError(f"{path}: token ids {ids.min()} … {ids.max()}; expected 0 … 65535")
    header = np.zeros(HEADER_WORDS, "<i4")
    header[:3] = MAGIC, VERSION, ids.size
    write_atomically(path, header.tobytes() + ids.astype("<u2").tobytes())


def find_shards(folder: Path, split: Literal["train", "val"]) -> list[Path]:
    """The shards of one split in a folder, sorted by name.

    Raises:
        InputError: the folder is missing or has no such shard.
    """
    shards = sorted(path for path in folder.glob(f"*_{split}_*.bin") if f"_{split}_bytes_" not in path.name)
    if not shards:
        raise InputError(f"{folder}: no *_{split}_*.bin in it; expected the challenge's token shards")
    return shards


def read_stream(paths: Sequence[Path]) -> NDArray[np.uint16]:
    """Concatenate the tokens of shards, uint16 [n]; a single shard is not copied."""
    shards = [read_shard(path) for path in paths]
    return shards[0] if len(shards) == 1 else np.concatenate(shards)


def split_documents(stream: Tokens) -> list[Tokens]:
    """The documents of a stream (see `document_spans`), as views."""
    return [stream[span] for span in document_spans(stream)]


def document_spans(stream: Tokens) -> list[slice]:
    """The slices of a stream that are documents.

    A document runs from its BOS through the next document's BOS, which is only ever a target; the last one ends with
    the stream. Tokens before the first BOS belong to no document. A slice of fewer than two tokens is skipped.

    Raises:
        InputError: there are more than 2²⁴.
    """
    starts = find_starts(stream)
    if len(starts) > MAX_DOCUMENTS:
        raise InputError(f"tokens: {len(starts)} documents; expected at most {MAX_DOCUMENTS}")
    ends = np.append(starts[1:] + 1, len(stream))[: len(starts)]
    return [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True) if end - start >= 2]


def find_starts(stream: Tokens) -> NDArray[np.int64]:
    """The positions of BOS in a stream, int64, in order."""
    parts = range(0, len(stream), _SCANNED_TOKENS)
    starts = [part + np.flatnonzero(stream[part : part + _SCANNED_TOKENS] == BOS) for part in parts]
    return np.concatenate([np.empty(0, np.int64), *starts]).astype(np.int64, copy=False)


def check_document(document: ArrayLike, name: str, vocab_size: int) -> Tokens:
    """Return a document as an array [n] after checking it.

    Raises:
        InputError: it is not a row of at least two integers, or a token is outside the vocabulary.
    """
    tokens = np.asarray(document)
    if tokens.ndim != 1 or tokens.size < 2 or tokens.dtype.kind not in "iu":
        shape = f"shape {tokens.shape} of {tokens.dtype}"
        raise InputError(f"{name} has {shape}; expected one row of at least 2 integers")
    if (outside := (tokens < 0) | (tokens >= vocab_size)).any():
        position = int(outside.argmax())
        raise InputError(f"{name} holds token {tokens[position]} at position {position}; expected 0 … {vocab_size - 1}")
    return tokens


def digest_files(paths: Sequence[Path]) -> str:
    """SHA-256, as hex, of the number of files and each file's SHA-256, in the order given.

    Raises:
        InputError: a file cannot be read.
    """
    whole = hashlib.sha256(str(len(paths)).encode())
    for path in paths:
        with open_regular(path, "expected a file") as stream:
            try:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return whole.hexdigest()


class Tokenizer:
    """A SentencePiece model, and the UTF-8 bytes of each of its tokens."""

    def __init__(self, path: Path) -> None:
        """Load a `.model` file.

        Raises:
            InputError: the file is missing, no SentencePiece model, damaged, or its BOS is not token 1.
        """
        self.path = path
        content = read_regular(path, MAX_TOKENIZER_BYTES, "expected a SentencePiece .model")
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=content)
        except (OSError, RuntimeError, ValueError):
            raise InputError(f"{path}: not a SentencePiece model") from None
        if self._pieces.bos_id() != BOS:
            raise InputError(
                f"{path}: its BOS has id {self._pieces.bos_id()}; expected {BOS}, with which documents start"
            )
        self.vocab_size: int = self._pieces.get_piece_size()
        try:
            rows = [self._table_row(token) for token in range(self.vocab_size)]
        except UnicodeDecodeError:
            raise InputError(f"{path}: damaged; it has a piece that is not UTF-8") from None
        self._bytes_V, self._spaced_V, self._silent_V = (np.array(column) for column in zip(*rows, strict=True))

    def _table_row(self, token: int) -> tuple[int, bool, bool]:
        """Bytes without the leading space, whether there is one, and whether the token has no text at all."""
        pieces = self._pieces
        if pieces.is_control(token) or pieces.is_unknown(token) or pieces.is_unused(token):
            return 0, False, True
        if pieces.is_byte(token):
            return 1, False, False
        piece: str = pieces.id_to_piece(token)
        return len(piece.removeprefix(SPACE).encode()), piece.startswith(SPACE), False

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without BOS."""
        ids: list[int] = self._pieces.encode(text)
        return ids

    def decode(self, tokens: Sequence[int] | Tokens) -> str:
        """The text of tokens."""
        text: str = self._pieces.decode([int(token) for token in tokens])
        return text

    def text(self, tokens: Tokens) -> str:
        """The text whose bytes are counted: without tokens that have no text, for which a decoder may print a sign.

        The token after such a token loses its leading space, as in `byte_counts`.
        """
        silent = self._silent_V[tokens]
        parts, shown = (np.split(array, np.flatnonzero(silent)) for array in (tokens, ~silent))
        return "".join(self.decode(part[which]) for part, which in zip(parts, shown, strict=True))

    def byte_counts(self, document: Tokens) -> NDArray[np.int64]:
        """UTF-8 bytes of every target of a document, int64 [n − 1].

        A control, unknown or unused piece has 0 bytes, a byte piece 1. Any other piece has the bytes of its text
        without the leading space, plus 1 for that space unless the previous token is a control, unknown or unused
        piece.

        Raises:
            InputError: a token is outside the vocabulary.
        """
        if int(document.max()) >= self.vocab_size:
            problem = f"has {self.vocab_size} pieces, the document holds token {document.max()}"
            raise InputError(f"{self.path}: {problem}; expected the document's own tokenizer")
        before, target = document[:-1], document[1:]
        counts: NDArray[np.int64] = self._bytes_V[target] + (self._spaced_V[target] & ~self._silent_V[before])
        return counts

    def check_bytes(self, document: Tokens) -> NDArray[np.int64]:
        """The byte counts of a document, int64 [n − 1], after comparing their sum with the text that it decodes to.

        Raises:
            InputError: they differ, which would make bits per byte wrong.
        """
        counts = self.byte_counts(document)
        counted = int(counts.sum())
        text = self.text(document[1:])
        decoded = len(text.encode())
        # The bytes of a character cut in two decode to U+FFFD each: three bytes of text for one byte counted.
        if not decoded - 2 * text.count("\ufffd") <= counted <= decoded:
            raise InputError(
                f"{self.path}: its table counts {counted} bytes for a text of {decoded}; expected them to agree"
            )
        return counts
