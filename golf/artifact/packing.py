"""Pack a state dict into an artifact: quantize it, code it into one file, and read untrusted files back safely.

golf/artifact/quantize.py    quantize matrices
golf/artifact/body.py        codecs: arrays become the body of a file, and arrays again
golf/artifact/entropy.py     statistical models of weights; golf/artifact/coder.py codes them into bytes
golf/artifact/container.py   the file format
golf/artifact/ledger.py      bytes by group of tensors
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import zstandard
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from golf.artifact.body import CODECS, Array, Part, check_expansion
from golf.artifact.container import MAGIC, MAX_FILE_BYTES, CodecName, Header, check_model, read, write
from golf.artifact.ledger import GroupBytes, Ledger
from golf.artifact.quantize import CLIP_QUANTILE, dequantize_rows, encoding_of, quantize_rows
from golf.errors import InputError, ShortRepr
from golf.files import read_regular, write_atomically
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import check_tensors, model_from_state, tensor_shapes
from golf.ranges import Range, outside

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
    "read_artifact",
    "save",
    "unpack",
]

ZSTD_LEVEL = 22
"""Compression level of PR 611."""
RANGES: Mapping[str, Range] = {"bits": Range(2, 8), "level": Range(1, zstandard.MAX_COMPRESSION_LEVEL)}
"""Range of each number."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class QuantizeConfig(ShortRepr):
    """How weights are quantized and compressed.

    Raises:
        InputError: a line for each value that is out of range, with its key in the sweep file.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    bits: int = 6
    """Bits of a weight of a large matrix, 2 to 8 (PR 611)."""
    codec: CodecName = "ans"
    """`"ans"`: context models and asymmetric numeral systems. `"zstd"`: as in PR 611."""
    level: int = ZSTD_LEVEL
    """Level of zstd. `"ans"` has none and resets it to the default, so that equal artifacts have equal keys."""

    def __post_init__(self) -> None:
        if problems := [*outside(self, "quantize", RANGES)]:
            raise InputError(*problems)
        if self.codec != "zstd":
            object.__setattr__(self, "level", ZSTD_LEVEL)


def pack(state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> tuple[bytes, Ledger]:
    """Quantize and code a state dict; returns the file's content and its byte ledger.

    Raises:
        InputError: a weight is not finite, or tensors do not fit the model.
    """
    return encode(quantize(state, model, config.bits), model, config)


def quantize(state: Mapping[str, Tensor], model: ModelConfig, bits: int) -> list[tuple[Part, Array]]:
    """The arrays of the body, in order, of a state dict.

    Raises:
        InputError: a weight is not finite, or tensors do not fit the model.
    """
    check_model(model)
    check_tensors(state, model, "quantize")
    shapes = tensor_shapes(model)
    arrays: dict[tuple[str, str], Array] = {}
    for name, shape in shapes.items():
        weight, encoding = state[name].detach().float().cpu().contiguous(), encoding_of(name, shape)
        stored = weight.half() if encoding == "fp16" else weight
        if not bool(stored.isfinite().all()):
            raise InputError(
                f"quantize: tensor {name} holds values that are not finite in {encoding}; expected finite weights"
            )
        if encoding == "int":
            stored, scales = quantize_rows(weight, bits)
            if not bool(scales.isfinite().all()):
                raise InputError(f"quantize: tensor {name} holds values too large for a row scale in fp16")
            arrays[name, "scale"] = scales.numpy()
        arrays[name, encoding] = stored.numpy()
    return [(part, arrays[part.tensor, part.family]) for part in _parts(shapes)]


def encode(arrays: list[tuple[Part, Array]], model: ModelConfig, config: QuantizeConfig) -> tuple[bytes, Ledger]:
    """Code quantized arrays; returns the file's content and its byte ledger."""
    groups: dict[str, GroupBytes] = {}
    for part, array in arrays:
        weights = 0 if part.family == "scale" else array.size
        groups.setdefault(part.group, GroupBytes()).add(array, weights)
    body = CODECS[config.codec].encode(arrays, config.bits, config.level, groups)
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
    """Read an artifact into fp32 tensors and the model's configuration.

    Args:
        content: the file's content, which may be untrusted.
        where: the file's name in error messages.

    Raises:
        InputError: the content is no complete, valid artifact of this version.
    """
    header, body = read(content, where)
    parts = _parts(tensor_shapes(header.model))
    check_expansion(body, parts, where)
    arrays = CODECS[header.codec].decode(body, parts, header.bits, where)
    state: dict[str, Tensor] = {}
    scales = torch.empty(0)
    for part, array in zip(parts, arrays, strict=True):
        values = torch.from_numpy(array)
        if part.family == "scale":
            scales = values
            if not bool((scales.isfinite() & (scales > 0)).all()):
                raise InputError(f"{where}: tensor {part.tensor} has a row scale that is not finite and above 0")
            continue
        state[part.tensor] = dequantize_rows(values, scales) if part.family == "int" else values.float()
        if not bool(state[part.tensor].isfinite().all()):
            raise InputError(f"{where}: tensor {part.tensor} holds values that are not finite")
    return state, header.model


def save(path: Path | str, state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> Ledger:
    """Write a state dict as an artifact, atomically; returns its byte ledger.

    Raises:
        InputError: a weight is not finite, or tensors do not fit the model.
    """
    content, ledger = pack(state, model, config)
    write_atomically(Path(path), content)
    return ledger


def load(path: Path | str, *, device: torch.device | str = "cpu") -> GPT:
    """Load a frozen model from an artifact or a `.safetensors` state dict.

    Raises:
        InputError: the file is missing, too large, damaged or neither of these.
    """
    path = Path(path)
    return load_bytes(read_artifact(path), str(path), device=device)


def read_artifact(path: Path) -> bytes:
    """Read the content of an artifact or a `.safetensors` file, unchecked but for its size.

    Raises:
        InputError: the file is missing, too large or no regular file.
    """
    return read_regular(path, MAX_FILE_BYTES, "expected an artifact or a .safetensors file")


def load_bytes(content: bytes, where: str, *, device: torch.device | str = "cpu") -> GPT:
    """Like `load`, from the file's content; error messages start with `where`."""
    config = None
    if content.startswith(MAGIC[:-1]):
        state, config = unpack(content, where)
    else:
        try:
            state = load_safetensors(content)
        except (SafetensorError, ValueError, KeyError, TypeError):
            raise InputError(f"{where}: neither an artifact nor a complete .safetensors file") from None
    try:
        return model_from_state(state, config, device=device)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _parts(shapes: Mapping[str, tuple[int, ...]]) -> list[Part]:
    """The arrays of the body in order: tensors of the same kind follow each other, layer by layer."""
    parts: list[Part] = []
    for name in sorted(shapes, key=lambda name: (encoding_of(name, shapes[name]), re.sub(r"\d+", "", name), name)):
        family = encoding_of(name, shapes[name])
        if family == "int":
            parts.append(Part(name, "scale", shapes[name][:1]))
        parts.append(Part(name, family, shapes[name]))
    return parts
