"""The file of compressed documents: what it is of, and the bits.

    header   magic, CRC-32 of all that follows, first 4 bytes of the artifact's and of the settings' SHA-256, CRC-32 of
             the tokens, number of documents: what tells a wrong file, artifact, setting or machine
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
"""A file that claims more is refused before memory is taken for it; the challenge's whole validation set has fewer."""
_FIXED = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sI")
_START = len(MAGIC) + 4
"""Where that begins which the checksum is of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One file's content, taken apart."""

    artifact: bytes
    """First bytes of the artifact's SHA-256."""
    settings: bytes
    """First bytes of the settings' SHA-256."""
    checksum: int
    """CRC-32 of the tokens: what the decoder should end up with."""
    lengths: tuple[int, ...]
    """Tokens of every document, its BOS included."""
    words: NDArray[np.uint32]
    """What the range coder wrote."""

    @property
    def length_bytes(self) -> int:
        """Bytes that the lengths take."""
        return sum(len(_leb128(length)) for length in self.lengths)

    @property
    def message_bytes(self) -> int:
        """Bytes that the text takes, lengths included; the rest only identifies the file."""
        return self.length_bytes + 4 * len(self.words)

    def pack(self) -> bytes:
        """The file's content."""
        parts = [_FIXED.pack(self.artifact, self.settings, self.checksum), _leb128(len(self.lengths))]
        rest = b"".join([*parts, *map(_leb128, self.lengths), self.words.astype("<u4").tobytes()])
        return MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def unpack(content: bytes, where: str) -> Container:
    """Take a file's content apart.

    Args:
        content: the whole file.
        where: what the file is called in an error.

    Raises:
        InputError: the bytes are not a whole file of this format.
    """
    if not content.startswith(MAGIC) or len(content) < _START + _FIXED.size:
        raise InputError(f"{where}: not a file of compressed documents; expected one that starts with {MAGIC!r}")
    if zlib.crc32(content[_START:]) != int.from_bytes(content[len(MAGIC) : _START], "little"):
        raise InputError(f"{where}: truncated or damaged; its content has another checksum than it says")
    artifact, settings, checksum = _FIXED.unpack_from(content, _START)
    count, at = _read_leb128(content, _START + _FIXED.size, where)
    lengths: list[int] = []
    for _ in range(count):  # an error where the bytes end
        length, at = _read_leb128(content, at, where)
        lengths.append(length)
    if min(lengths, default=2) < 2 or sum(lengths) > MAX_TOKENS or (len(content) - at) % 4:
        raise InputError(f"{where}: damaged; expected whole words, and documents of 2 to {MAX_TOKENS} tokens in all")
    words = np.frombuffer(content, "<u4", offset=at).astype(np.uint32)
    return Container(artifact=artifact, settings=settings, checksum=checksum, lengths=tuple(lengths), words=words)


def _leb128(number: int) -> bytes:
    parts = [number >> shift & 0x7F for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


def _read_leb128(content: bytes, at: int, where: str) -> tuple[int, int]:
    """The number that starts there, of at most 63 bits, and where it ends."""
    number = 0
    for place, byte in enumerate(content[at : at + 9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise InputError(f"{where}: damaged; a count in it does not end")
