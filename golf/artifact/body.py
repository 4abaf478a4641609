"""The body of an artifact: codecs turn the arrays of a model into bytes, and bytes into arrays again.

A new codec is a line of `CODECS` and its name in `golf.artifact.container.CodecName`. `zstd` is PR 611's, for
comparison: all arrays concatenated and compressed together.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

from golf.artifact.coder import Coder, Decoder, Encoder
from golf.artifact.container import CodecName
from golf.artifact.entropy import code_floats, code_integers
from golf.artifact.ledger import GroupBytes, group_of
from golf.errors import InputError

_DTYPES: Mapping[str, str] = {"scale": "<f2", "int": "<i1", "fp16": "<f2", "fp32": "<f4"}
"""numpy dtype of each family of arrays; the row scales of a quantized matrix come before it."""

Array = NDArray[Any]

MAX_EXPANSION = 1000
"""Most bytes of weights for one byte of a body: less than 0.01 bit a weight. Trained weights take 2 bits or more."""
FREE_BYTES = 2**20
"""Bytes of weights that any body may have, because a small model of zeros is no danger."""


class Part(NamedTuple):
    """Name, dtype family (a key of _DTYPES) and shape of one array of the body."""

    tensor: str
    family: str
    shape: tuple[int, ...]

    @property
    def group(self) -> str:
        """Its group in the byte ledger."""
        return "scales" if self.family == "scale" else group_of(self.tensor)

    @property
    def num_bytes(self) -> int:
        """Bytes before coding."""
        return math.prod(self.shape) * np.dtype(_DTYPES[self.family]).itemsize


def check_expansion(body: bytes, parts: Iterable[Part], where: str) -> None:
    """Refuse a body that claims to hold far more than weights can be compressed to, before memory is taken for them.

    Raises:
        InputError: it does; the message starts with `where`.
    """
    plain = sum(part.num_bytes for part in parts)
    if plain > MAX_EXPANSION * len(body) + FREE_BYTES:
        size = f"its body has {len(body)} bytes for {plain} bytes of weights"
        raise InputError(f"{where}: {size}; expected at least one for {MAX_EXPANSION}")


def _code(arrays: list[tuple[Part, Array]], bits: int, groups: Mapping[str, GroupBytes]) -> bytes:
    """Code the body with context models; sets coded_bytes of `groups`."""
    coder = Encoder()
    for part, array in arrays:
        coder.group = part.group
        _code_part(coder, part, array, bits)
    body, spent = coder.finish()
    for name, group in groups.items():
        group.coded_bytes = spent.get(name, 0)
    return body


def _decode(body: bytes, parts: list[Part], bits: int, where: str) -> list[Array]:
    """Decode a body coded with context models, which cannot represent quantized values out of range."""
    try:
        coder = Decoder(body)
        arrays = [_code_part(coder, part, np.zeros(part.shape, _DTYPES[part.family]), bits) for part in parts]
    except ValueError as error:
        raise InputError(f"{where}: damaged; its body cannot be decoded ({error})") from None
    if not coder.at_end():
        raise InputError(f"{where}: damaged; its body continues after the last weight")
    return arrays


def _code_part(coder: Coder, part: Part, array: Array, bits: int) -> Array:
    """Code one array; a decoder gets zeros of its shape and returns the decoded values."""
    coder.family = part.family
    return code_integers(coder, array, bits) if part.family == "int" else code_floats(coder, array)


def _compress(arrays: list[tuple[Part, Array]], level: int) -> bytes:
    """Compress the body as PR 611 does."""
    plain = b"".join(array.astype(_DTYPES[part.family], copy=False).tobytes() for part, array in arrays)
    return zstandard.ZstdCompressor(level=level).compress(plain)


def _decompress(body: bytes, parts: list[Part], bits: int, where: str) -> Iterator[Array]:
    """The arrays of a zstd frame, whose size must match the model's shapes."""
    expected = sum(part.num_bytes for part in parts)
    try:
        stated = zstandard.frame_content_size(body)
        if stated != expected:
            raise InputError(f"{where}: damaged; its body has {stated} bytes, expected {expected} for its model")
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        plain = unpacker.decompress(body)
    except zstandard.ZstdError:
        raise InputError(f"{where}: truncated or damaged; zstd cannot decompress its body") from None
    if not unpacker.eof or unpacker.unused_data or len(plain) != expected:
        raise InputError(f"{where}: truncated, or followed by other bytes")
    largest, start = 2 ** (bits - 1) - 1, 0
    for part in parts:
        array = np.frombuffer(plain, _DTYPES[part.family], math.prod(part.shape), start).reshape(part.shape)
        if part.family == "int" and not -largest <= int(array.min()) <= int(array.max()) <= largest:
            raise InputError(f"{where}: tensor {part.tensor} holds values outside ±{largest}")
        start += part.num_bytes
        yield array.copy()


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """One way to code a body."""

    words: str
    """What it is, for the README of a submission."""
    encode: Callable[[list[tuple[Part, Array]], int, int, Mapping[str, GroupBytes]], bytes]
    """From arrays, bits, level and groups to a body; may set the coded bytes of each group."""
    decode: Callable[[bytes, list[Part], int, str], Iterable[Array]]
    """From a body, its parts, bits and the file's name to arrays; raises InputError for a body that is not its own."""


CODECS: Mapping[CodecName, Codec] = {
    "ans": Codec(
        words="context models and an asymmetric numeral system",
        encode=lambda arrays, bits, level, groups: _code(arrays, bits, groups),
        decode=_decode,
    ),
    "zstd": Codec(
        words="zstandard",
        encode=lambda arrays, bits, level, groups: _compress(arrays, level),
        decode=_decompress,
    ),
}
"""Every codec by its name in the sweep file."""
