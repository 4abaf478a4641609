"""The file format of compressed documents.

    header   magic, CRC-32 of everything after it, first 4 bytes of the SHA-256 of artifact and settings, CRC-32 of the
             tokens, number of documents: they detect a wrong file, artifact, setting or machine
    message  the documents' lengths, then the range coder's words

Integers of the header and words are little-endian, counts LEB128 (7 bits a byte, low ones first).
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golf.errors import InputError

MAGIC = b"GLZ\x01"
DIGEST_BYTES = 4
MAX_TOKENS = 2**26
"""A file that claims more is rejected before memory is allocated; the challenge's validation set has fewer."""
_FIXED = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sI")
_START = len(MAGIC) + 4
"""Offset of the part that the first checksum covers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """The parsed content of a file."""

    artifact: bytes
    """First bytes of the artifact's SHA-256."""
    settings: bytes
    """First bytes of the settings' SHA-256."""
    checksum: int
    """CRC-32 of the tokens, which the decoder must reproduce."""
    lengths: tuple[int, ...]
    """Tokens of every document, its BOS included."""
    words: NDArray[np.uint32]
    """The range coder's output."""

    @property
    def length_bytes(self) -> int:
        """Bytes of the documents' lengths."""
        return sum(len(_leb128(length)) for length in self.lengths)

    @property
    def token_bytes(self) -> int:
        """Bytes that encode the tokens."""
        return 4 * len(self.words)

    @property
    def message_bytes(self) -> int:
        """Bytes that encode the text, lengths included; the header only identifies the file."""
        return self.length_bytes + self.token_bytes

    def pack(self) -> bytes:
        """The file's content."""
        parts = [_FIXED.pack(self.artifact, self.settings, self.checksum), _leb128(len(self.lengths))]
        rest = b"".join([*parts, *map(_leb128, self.lengths), self.words.astype("<u4").tobytes()])
        return MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def unpack(content: bytes, where: str) -> Container:
    """Parse a file's content.

    Args:
        content: the file's content, which may be untrusted.
        where: the file's name in error messages.

    Raises:
        InputError: the content is no complete file of this format.
    """
    if not content.startswith(MAGIC) or len(content) < _START + _FIXED.size:
        raise InputError(f"{where}: not a file of compressed documents; expected one that starts with {MAGIC!r}")
    if zlib.crc32(content[_START:]) != int.from_bytes(content[len(MAGIC) : _START], "little"):
        raise InputError(f"{where}: truncated or damaged; its content does not match its checksum")
    artifact, settings, checksum = _FIXED.unpack_from(content, _START)
    count, at = _read_leb128(content, _START + _FIXED.size, where)
    lengths: list[int] = []
    for _ in range(count):  # _read_leb128 raises at the end of the content
        length, at = _read_leb128(content, at, where)
        lengths.append(length)
    if min(lengths, default=2) < 2 or sum(lengths) > MAX_TOKENS or (len(content) - at) % 4:
        raise InputError(f"{where}: damaged; expected whole words, and documents of 2 to {MAX_TOKENS} tokens in all")
    words = np.frombuffer(content, "<u4", offset=at).astype(np.uint32)
    return Container(artifact=artifact, settings=settings, checksum=checksum, lengths=tuple(lengths), words=words)


def _leb128(number: int) -> bytes:
    """LEB128 of a number ≥ 0."""
    parts = [number >> shift & 0x7F for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


def _read_leb128(content: bytes, at: int, where: str) -> tuple[int, int]:
    """The number of at most 63 bits that starts at offset `at`, and the offset after it."""
    number = 0
    for place, byte in enumerate(content[at : at + 9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise InputError(f"{where}: damaged; a count in it is incomplete")
