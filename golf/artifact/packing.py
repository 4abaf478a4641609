"""The artifact: quantize a state dict, code it into one plain file, and read it back without trust.

    golf/artifact/quantize.py    which weights become whole numbers, and how
    golf/artifact/entropy.py     what is sent of a tensor; golf/artifact/coder.py turns it into bytes
    golf/artifact/container.py   the file around it
    golf/artifact/ledger.py      where its bytes go

The codec `zstd` codes as PR 611 does, for comparison: arrays one after the other, compressed as one.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import zstandard
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from golf.artifact.coder import Coder, Decoder, Encoder
from golf.artifact.container import MAGIC, MAX_FILE_BYTES, Codec, Header, check_model, read, write
from golf.artifact.entropy import code_floats, code_integers
from golf.artifact.ledger import GroupBytes, Ledger, group_of
from golf.artifact.quantize import CLIP_QUANTILE, dequantize_rows, encoding_of, quantize_rows
from golf.errors import InputError
from golf.files import write_atomically
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import check_tensors, model_from_state, tensor_shapes

__all__ = [
    "CLIP_QUANTILE",
    "MAGIC",
    "Ledger",
    "QuantizeConfig",
    "encode",
    "load",
    "load_bytes",
    "pack",
    "quantize",
    "quantize_rows",
    "save",
    "unpack",
]

ZSTD_LEVEL = 22
"""PR 611's."""
_DTYPES: Mapping[str, str] = {"scale": "<f2", "int": "<i1", "fp16": "<f2", "fp32": "<f4"}
"""How the values of each family of arrays are stored; a matrix of whole numbers has its rows' scales before it."""

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeConfig:
    """How weights become bytes; bits are PR 611's."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    bits: int = 6
    codec: Codec = "ans"
    """ans: context models and an asymmetric numeral system. zstd: PR 611's."""
    level: int = ZSTD_LEVEL
    """Of zstd. ans has no levels: there it is always this, so that one artifact has one key."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise InputError(f"quantize.bits = {self.bits}: must be 2 to 8")
        if not 1 <= self.level <= zstandard.MAX_COMPRESSION_LEVEL:
            raise InputError(f"quantize.level = {self.level}: must be 1 to {zstandard.MAX_COMPRESSION_LEVEL}")
        if self.codec != "zstd":
            object.__setattr__(self, "level", ZSTD_LEVEL)


class Part(NamedTuple):
    """One array of the body."""

    tensor: str
    family: str
    shape: tuple[int, ...]

    @property
    def group(self) -> str:
        return "scales" if self.family == "scale" else group_of(self.tensor)

    @property
    def num_bytes(self) -> int:
        """Bytes before coding."""
        return math.prod(self.shape) * np.dtype(_DTYPES[self.family]).itemsize


def pack(state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> tuple[bytes, Ledger]:
    """Quantize and code a state dict: the whole file, and where its bytes go.

    Raises:
        InputError: a weight is not finite, or the tensors are not the model's.
    """
    return encode(quantize(state, model, config.bits), model, config)


def quantize(state: Mapping[str, Tensor], model: ModelConfig, bits: int) -> list[tuple[Part, Array]]:
    """The arrays of a body, in its order, of a state dict.

    Raises:
        InputError: a weight is not finite, or the tensors are not the model's.
    """
    check_model(model)
    check_tensors(state, model, "quantize")
    shapes = tensor_shapes(model)
    arrays: dict[tuple[str, str], Array] = {}
    for name, shape in shapes.items():
        weight, encoding = state[name].detach().float().cpu().contiguous(), encoding_of(name, shape)
        stored = weight.half() if encoding == "fp16" else weight
        if not bool(stored.isfinite().all()):
            raise InputError(f"quantize: tensor {name} holds values that are not finite in {encoding}")
        if encoding == "int":
            stored, scales = quantize_rows(weight, bits)
            if not bool(scales.isfinite().all()):
                raise InputError(f"quantize: tensor {name} holds values too large for the fp16 scale of a row")
            arrays[name, "scale"] = scales.numpy()
        arrays[name, encoding] = stored.numpy()
    return [(part, arrays[part.tensor, part.family]) for part in _parts(shapes)]


def encode(arrays: list[tuple[Part, Array]], model: ModelConfig, config: QuantizeConfig) -> tuple[bytes, Ledger]:
    """The whole file of quantized arrays, and where its bytes go."""
    groups: dict[str, GroupBytes] = {}
    for part, array in arrays:
        weights = 0 if part.family == "scale" else array.size
        groups.setdefault(part.group, GroupBytes()).add(array, weights)
    body = _code(arrays, config.bits, groups) if config.codec == "ans" else _compress(arrays, config.level)
    header = Header(model=model, bits=config.bits, codec=config.codec)
    content = write(header, body)
    ledger = Ledger(
        model_bytes=len(content),
        header_bytes=header.num_bytes,
        body_bytes=len(body),
        groups=groups,
    )
    return content, ledger


def unpack(content: bytes, where: str = "artifact") -> tuple[dict[str, Tensor], ModelConfig]:
    """Read an artifact back into fp32 tensors.

    Args:
        content: the whole file.
        where: what the file is called in an error.

    Raises:
        InputError: the bytes are not a whole, honest artifact of this version.
    """
    header, body = read(content, where)
    parts = _parts(tensor_shapes(header.model))
    arrays = (_decode if header.codec == "ans" else _decompress)(body, parts, header.bits, where)
    state: dict[str, Tensor] = {}
    scales = torch.empty(0)
    for part, array in zip(parts, arrays, strict=True):
        values = torch.from_numpy(array)
        if part.family == "scale":
            scales = values
            if not bool((scales.isfinite() & (scales > 0)).all()):
                raise InputError(f"{where}: tensor {part.tensor} has a scale that is not a finite number above 0")
            continue
        state[part.tensor] = dequantize_rows(values, scales) if part.family == "int" else values.float()
        if not bool(state[part.tensor].isfinite().all()):
            raise InputError(f"{where}: tensor {part.tensor} holds values that are not finite")
    return state, header.model


def save(path: Path | str, state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> Ledger:
    """Write a state dict as an artifact, whole or not at all."""
    content, ledger = pack(state, model, config)
    write_atomically(Path(path), content)
    return ledger


def load(path: Path | str, *, device: torch.device | str = "cpu") -> GPT:
    """Load a model from an artifact or from a `.safetensors` state dict, frozen.

    Raises:
        InputError: the file is missing, too large or is neither.
    """
    path = Path(path)
    expected = "expected an artifact or a .safetensors file"
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file; {expected}")
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise InputError(f"{path}: {size} bytes; {expected} of at most {MAX_FILE_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from None
    return load_bytes(content, str(path), device=device)


def load_bytes(content: bytes, where: str, *, device: torch.device | str = "cpu") -> GPT:
    """Like `load`, from the file's content."""
    config = None
    if content.startswith(MAGIC[:-1]):
        state, config = unpack(content, where)
    else:
        try:
            state = load_safetensors(content)
        except (SafetensorError, ValueError, KeyError, TypeError):
            raise InputError(f"{where}: neither an artifact nor a whole .safetensors file") from None
    try:
        return model_from_state(state, config, device=device)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _parts(shapes: Mapping[str, tuple[int, ...]]) -> list[Part]:
    """The arrays of a body in their order: tensors of one kind one after the other, over all layers."""
    parts: list[Part] = []
    for name in sorted(shapes, key=lambda name: (encoding_of(name, shapes[name]), re.sub(r"\d+", "", name), name)):
        family = encoding_of(name, shapes[name])
        if family == "int":
            parts.append(Part(name, "scale", shapes[name][:1]))
        parts.append(Part(name, family, shapes[name]))
    return parts


def _code(arrays: list[tuple[Part, Array]], bits: int, groups: Mapping[str, GroupBytes]) -> bytes:
    """The body under context models; what each group takes is written down in `groups`."""
    coder = Encoder()
    for part, array in arrays:
        coder.group = part.group
        _code_part(coder, part, array, bits)
    body, spent = coder.finish()
    for name, group in groups.items():
        group.coded_bytes = spent.get(name, 0)
    return body


def _decode(body: bytes, parts: list[Part], bits: int, where: str) -> list[Array]:
    """Arrays of a body under context models; of its own accord it can hold no whole number out of range."""
    try:
        coder = Decoder(body)
        arrays = [_code_part(coder, part, np.zeros(part.shape, _DTYPES[part.family]), bits) for part in parts]
    except ValueError as error:
        raise InputError(f"{where}: damaged; no encoder writes such a body ({error})") from None
    if not coder.at_end():
        raise InputError(f"{where}: damaged; its body does not end where its last weight does")
    return arrays


def _code_part(coder: Coder, part: Part, array: Array, bits: int) -> Array:
    """Code one array; a decoder is given zeros and returns what they stand for."""
    coder.family = part.family
    return code_integers(coder, array, bits) if part.family == "int" else code_floats(coder, array)


def _compress(arrays: list[tuple[Part, Array]], level: int) -> bytes:
    """The body as PR 611 compresses it."""
    plain = b"".join(array.astype(_DTYPES[part.family], copy=False).tobytes() for part, array in arrays)
    return zstandard.ZstdCompressor(level=level).compress(plain)


def _decompress(body: bytes, parts: list[Part], bits: int, where: str) -> Iterator[Array]:
    """Arrays of a zstd frame, which must hold exactly what the model's shapes say."""
    expected = sum(part.num_bytes for part in parts)
    try:
        stated = zstandard.frame_content_size(body)
        if stated != expected:
            raise InputError(f"{where}: damaged; its body states {stated} bytes, its model has {expected}")
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        plain = unpacker.decompress(body)
    except zstandard.ZstdError:
        raise InputError(f"{where}: truncated or damaged; its body does not decompress") from None
    if not unpacker.eof or unpacker.unused_data or len(plain) != expected:
        raise InputError(f"{where}: truncated, or followed by bytes that do not belong to it")
    largest, start = 2 ** (bits - 1) - 1, 0
    for part in parts:
        array = np.frombuffer(plain, _DTYPES[part.family], math.prod(part.shape), start).reshape(part.shape)
        if part.family == "int" and not -largest <= int(array.min()) <= int(array.max()) <= largest:
            raise InputError(f"{where}: tensor {part.tensor} holds values beyond ±{largest}")
        start += part.num_bytes
        yield array.copy()
