"""Codecs of packed scripts, each with a bound on what it gives."""

import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from jobs.scripts.source.limits import MAX_SOURCE_BYTES

MAX_DICTIONARY_BYTES = 2**26
"""Of LZMA filters and Zstandard windows, which take that much memory."""
TEXT_CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "b85decode": base64.b85decode,
    "a85decode": base64.a85decode,
    "b64decode": base64.b64decode,
    "standard_b64decode": base64.b64decode,
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b32decode": base64.b32decode,
    "b16decode": base64.b16decode,
    "unhexlify": binascii.unhexlify,
    "a2b_base64": binascii.a2b_base64,
}
NUMBERS = {name: getattr(lzma, name) for name in dir(lzma) if name.startswith(("FORMAT_", "FILTER_", "PRESET_"))}
NUMBERS |= {"MAX_WBITS": zlib.MAX_WBITS}
DAMAGED = (lzma.LZMAError, zlib.error, OSError, zstandard.ZstdError, MemoryError)
"""What decompressing a damaged text raises."""


class UnknownForm(Exception):
    """An expression has a form that is not followed here."""


def decompress(name: str, packed: Any, settings: list[Any], named: Mapping[str, Any]) -> bytes:
    """Decompress at most a script's length."""
    module = name.rpartition(".")[0]
    if not isinstance(packed, bytes):
        raise UnknownForm("packed text that is not bytes")
    unpacked: bytes
    if module == "lzma":
        unpacked = _lzma(packed, *settings[:3], **named)
    elif module == "zlib":
        bits = named.get("wbits", settings[0] if settings else zlib.MAX_WBITS)
        unpacked = zlib.decompressobj(bits).decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module == "gzip":
        unpacked = zlib.decompressobj(31).decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module == "bz2":
        unpacked = bz2.BZ2Decompressor().decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module in ("zstandard", "zstd"):
        window = zstandard.ZstdDecompressor(max_window_size=MAX_DICTIONARY_BYTES)
        unpacked = window.stream_reader(packed).read(MAX_SOURCE_BYTES + 1)
    else:
        raise UnknownForm(f"a codec that is not followed: {module[:40] or name[:40]}")
    if len(unpacked) > MAX_SOURCE_BYTES:
        raise UnknownForm(f"over {MAX_SOURCE_BYTES} bytes")
    return unpacked


def _lzma(packed: bytes, format: Any = lzma.FORMAT_AUTO, memlimit: Any = None, filters: Any = None) -> bytes:
    if filters is not None and any(part.get("dict_size", 0) > MAX_DICTIONARY_BYTES for part in filters):
        raise UnknownForm("filters that take too much memory")
    limit = None if format == lzma.FORMAT_RAW else 2 * MAX_DICTIONARY_BYTES
    return lzma.LZMADecompressor(format, limit, filters).decompress(packed, MAX_SOURCE_BYTES + 1)
