"""The artifact's file format: a checked header that describes the model, then the coded weights.

Layout: 8 bytes of magic, the SHA-256 of everything after it, the header's length (little-endian uint32), the header
(JSON: model constants, bits, codec), the coded body. Nothing in it can execute. Names, shapes and encodings of tensors
are not stored: they follow from the model's constants. All is checked before memory is allocated for weights.
"""

import hashlib
import json
import math
import struct
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from golf.artifact.quantize import encoding_of
from golf.errors import InputError, shown, shown_name
from golf.model.gpt import ModelConfig
from golf.model.state_dict import num_parameters, tensor_shapes

MAGIC = b"GOLFART\x02"
MAX_HEADER_BYTES = 4096
MAX_FILE_BYTES = 2**29
MAX_PARAMETERS = 2**26
"""With 2 bits a weight, the fewest possible, this exceeds the challenge's limit of 16,000,000 bytes."""
MAX_FLOATS = 2**24
"""Limit for weights that are not quantized; with 8 bits each, the fewest in practice, this exceeds the limit, too."""
_DIGEST_BYTES = 32

CodecName = Literal["ans", "zstd"]
CODEC_NAMES: tuple[CodecName, ...] = get_args(CodecName)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a reader needs to decode the body."""

    model: ModelConfig
    bits: int
    codec: CodecName

    def to_bytes(self) -> bytes:
        """Canonical JSON; a reader accepts no other form of the same header."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    @property
    def num_bytes(self) -> int:
        """Bytes before the body."""
        return len(MAGIC) + _DIGEST_BYTES + 4 + len(self.to_bytes())


def write(header: Header, body: bytes) -> bytes:
    """The content of a file."""
    text = header.to_bytes()
    rest = struct.pack("<I", len(text)) + text + body
    return MAGIC + hashlib.sha256(rest).digest() + rest


def read(content: bytes, where: str) -> tuple[Header, bytes]:
    """Split a file into header and body, after checking it.

    Raises:
        InputError: it is no artifact, damaged, or holds a model that this version does not accept; the message starts
            with `where`.
    """
    start = len(MAGIC) + _DIGEST_BYTES + 4
    if not content.startswith(MAGIC):
        raise InputError(f"{where}: not an artifact of this version; expected a file that starts with {MAGIC!r}")
    if len(content) < start or hashlib.sha256(content[start - 4 :]).digest() != content[len(MAGIC) : start - 4]:
        raise InputError(f"{where}: truncated or damaged; its {len(content)} bytes do not match the digest in it")
    (length,) = struct.unpack_from("<I", content, start - 4)
    if length > min(MAX_HEADER_BYTES, len(content) - start):
        raise InputError(
            f"{where}: damaged; its header claims {length} bytes, more than the file or {MAX_HEADER_BYTES}"
        )
    return _header(content[start : start + length], where), content[start + length :]


def check_model(model: ModelConfig) -> None:
    """Check that an artifact may hold this model.

    Raises:
        InputError: the model has too many weights.
    """
    if (count := num_parameters(model)) > MAX_PARAMETERS:
        raise InputError(f"train.model: {count} weights; an artifact has at most {MAX_PARAMETERS}")
    shapes = tensor_shapes(model).items()
    floats = sum(math.prod(shape) for name, shape in shapes if encoding_of(name, shape) != "int")
    if floats > MAX_FLOATS:
        raise InputError(
            f"train.model: {floats} weights are not quantized; an artifact has at most {MAX_FLOATS} of those"
        )


def _header(text: bytes, where: str) -> Header:
    """Parse and check a header."""
    try:
        values = json.loads(text)
        constants = values["model"]
        for field in fields(ModelConfig):
            value = constants[field.name]
            if type(value) is not field.type or not math.isfinite(value):
                raise InputError(
                    f"{where}: its header is damaged; {field.name} = {shown(value)}, expected a finite {field.type}"
                )
        header = Header(model=ModelConfig(**constants), bits=values["bits"], codec=values["codec"])
        if header.to_bytes() != text or type(header.bits) is not int:
            raise InputError(f"{where}: its header is damaged; expected {shown(header.to_bytes())}")
        check_model(header.model)
    except (KeyError, TypeError, OverflowError, RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None
        raise InputError(f"{where}: its header is damaged ({type(error).__name__}: {shown_name(str(error))})") from None
    if header.codec not in CODEC_NAMES or not 2 <= header.bits <= 8:
        expected = f"2 to 8 bits, codec {' or '.join(CODEC_NAMES)}"
        raise InputError(f"{where}: {shown(header.bits)} bits, codec {shown(header.codec)}; expected {expected}")
    return header
