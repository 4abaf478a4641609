"""The artifact: quantise a state dict, compress it into one plain container, and read it back without trust.

    w → int6 per row:  c = 0.9999984 quantile of |w| in the row,  s = max(c/31, 1/31),  q = clamp(round(w/s), ±31)

2-D tensors of more than 65,536 elements other than the token embedding are quantised; control tensors stay fp32; the
rest, the token embedding included, is fp16 (PR 611). s is stored in fp16 and that is what dequantises.

Layout of the file: 8 bytes of magic, the header's length (little-endian uint32), the header (JSON: model constants,
codec, and name, encoding and shape of every tensor), then the compressed body: the tensors one after the other, a
quantised one as its fp16 scales followed by one signed byte a weight. Nothing in it can execute.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
import zstandard
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from golf.errors import InputError
from golf.files import write_atomically
from golf.model import GPT, ModelConfig, model_from_state

LIMIT_BYTES = 16_000_000
"""The challenge's limit on code plus model, decimal."""
CLIP_QUANTILE = 0.9999984
QUANTISED_FROM = 65_536
"""Matrices of more elements than this are quantised."""
CONTROL_NAMES = ("attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weight")
MAGIC = b"GOLFART\x01"
MAX_HEADER_BYTES = 2**20
MAX_BODY_BYTES = 2**31
"""A body that claims to be larger is refused before memory is taken for it."""

Encoding = Literal["int", "fp16", "fp32"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeConfig:
    """How weights become bytes; the defaults are PR 611's."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    bits: int = 6
    codec: Literal["zstd"] = "zstd"
    level: int = 22

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise InputError(f"quantize.bits = {self.bits}: must be 2 to 8")
        if not 1 <= self.level <= zstandard.MAX_COMPRESSION_LEVEL:
            raise InputError(f"quantize.level = {self.level}: must be 1 to {zstandard.MAX_COMPRESSION_LEVEL}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """Where an artifact's bytes go."""

    model_bytes: int
    code_bytes: int
    header_bytes: int
    body_bytes: int
    """The body before compression."""
    tensor_bytes: Mapping[str, int]
    """Bytes before compression by encoding."""

    @property
    def total_bytes(self) -> int:
        """What counts against the limit of 16,000,000."""
        return self.model_bytes + self.code_bytes

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "total_bytes": self.total_bytes, "limit_bytes": LIMIT_BYTES}


def code_bytes() -> int:
    """Bytes of the code that has to accompany a model: the sources of this package."""
    return sum(path.stat().st_size for path in Path(__file__).parent.glob("*.py"))


def encoding_of(name: str, shape: tuple[int, ...]) -> Encoding:
    """How a tensor of this name and shape is stored."""
    if any(control in name for control in CONTROL_NAMES):
        return "fp32"
    if len(shape) == 2 and math.prod(shape) > QUANTISED_FROM and name != "tok_emb.weight":
        return "int"
    return "fp16"


def quantise_rows(weight: Tensor, bits: int = 6) -> tuple[Tensor, Tensor]:
    """Quantise a matrix [rows, columns] row by row.

    Returns:
        Whole numbers as int8 [rows, columns] and fp16 scales [rows].
    """
    largest = 2 ** (bits - 1) - 1
    clip = torch.quantile(weight.abs(), CLIP_QUANTILE, dim=1)
    scale = (clip / largest).clamp_min(1.0 / largest)
    clipped = weight.clamp(-clip[:, None], clip[:, None])
    values = (clipped / scale[:, None]).round().clamp_(-largest, largest)
    return values.to(torch.int8), scale.to(torch.float16)


def pack(state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> tuple[bytes, Ledger]:
    """Quantise and compress a state dict.

    Raises:
        InputError: a weight is not finite.
    """
    entries: list[dict[str, Any]] = []
    parts: list[bytes] = []
    tensor_bytes: dict[str, int] = {}
    for name, tensor in sorted(state.items()):
        weight = tensor.detach().float().cpu().contiguous()
        encoding = encoding_of(name, tuple(weight.shape))
        stored = weight.half() if encoding == "fp16" else weight
        if not bool(stored.isfinite().all()):
            raise InputError(f"quantize: tensor {name} holds values that are not finite in {encoding}")
        content = _encode(weight, encoding, config.bits)
        parts.append(content)
        entries.append({"name": name, "encoding": encoding, "shape": list(weight.shape)})
        tensor_bytes[encoding] = tensor_bytes.get(encoding, 0) + len(content)
    header = {"model": asdict(model), "codec": config.codec, "bits": config.bits, "tensors": entries}
    header_bytes = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    body = b"".join(parts)
    compressed = zstandard.ZstdCompressor(level=config.level).compress(body)
    content = MAGIC + struct.pack("<I", len(header_bytes)) + header_bytes + compressed
    ledger = Ledger(
        model_bytes=len(content),
        code_bytes=code_bytes(),
        header_bytes=len(MAGIC) + 4 + len(header_bytes),
        body_bytes=len(body),
        tensor_bytes=tensor_bytes,
    )
    return content, ledger


def unpack(content: bytes, where: str = "artifact") -> tuple[dict[str, Tensor], ModelConfig]:
    """Read a container back into fp32 tensors.

    Args:
        content: the whole file.
        where: what the file is called in an error.

    Raises:
        InputError: the bytes are not a whole, honest container of this format.
    """
    header, body_at = _header(content, where)
    try:
        config = ModelConfig(**header["model"])
        entries = [(str(e["name"]), str(e["encoding"]), tuple(int(n) for n in e["shape"])) for e in header["tensors"]]
        codec = header["codec"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: its header is damaged ({error})") from None
    for name, encoding, shape in entries:
        if encoding not in ENCODINGS or min(shape, default=0) < 0 or (encoding == "int" and len(shape) != 2):
            raise InputError(f"{where}: tensor {name} has an encoding or shape unknown to this version")
    if codec != "zstd":
        raise InputError(f'{where}: compressed with "{codec}"; this version reads zstd')
    sizes = [_encoded_bytes(encoding, shape) for _, encoding, shape in entries]
    body = _decompress(content[body_at:], sum(sizes), where)
    state: dict[str, Tensor] = {}
    offset = 0
    for (name, encoding, shape), size in zip(entries, sizes, strict=True):
        state[name] = _decode(body[offset : offset + size], encoding, shape)
        offset += size
        if not bool(state[name].isfinite().all()):
            raise InputError(f"{where}: tensor {name} holds values that are not finite")
    return state, config


def save(path: Path, state: Mapping[str, Tensor], model: ModelConfig, config: QuantizeConfig) -> Ledger:
    """Write a state dict as an artifact, whole or not at all."""
    content, ledger = pack(state, model, config)
    write_atomically(path, content)
    return ledger


def load(path: Path, *, device: torch.device | str = "cpu") -> GPT:
    """Load a model from an artifact or from a `.safetensors` state dict, frozen.

    Raises:
        InputError: the file is missing or is neither.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise InputError(f"{path}: {reason}; expected an artifact or a .safetensors file") from None
    return load_bytes(content, str(path), device=device)


def load_bytes(content: bytes, where: str, *, device: torch.device | str = "cpu") -> GPT:
    """Like `load`, from the file's content."""
    if content.startswith(MAGIC):
        state, config = unpack(content, where)
        return _named(where, state, config, device)
    try:
        state = load_safetensors(content)
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise InputError(f"{where}: neither an artifact nor a whole .safetensors file") from None
    return _named(where, state, None, device)


def _named(where: str, state: Mapping[str, Tensor], config: ModelConfig | None, device: torch.device | str) -> GPT:
    try:
        return model_from_state(state, config, device=device)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _header(content: bytes, where: str) -> tuple[dict[str, Any], int]:
    """The parsed header and where the body starts."""
    start = len(MAGIC) + 4
    if not content.startswith(MAGIC) or len(content) < start:
        raise InputError(f"{where}: not an artifact; expected a file that starts with {MAGIC!r}")
    (length,) = struct.unpack_from("<I", content, len(MAGIC))
    if length > MAX_HEADER_BYTES or start + length > len(content):
        raise InputError(f"{where}: truncated or damaged; its header claims {length} bytes of {len(content) - start}")
    try:
        header = json.loads(content[start : start + length])
    except ValueError:
        raise InputError(f"{where}: its header is damaged; expected JSON") from None
    if not isinstance(header, dict):
        raise InputError(f"{where}: its header is damaged; expected a JSON object")
    return header, start + length


def _decompress(compressed: bytes, expected: int, where: str) -> bytes:
    """The body, which must be exactly as long as the header's shapes say."""
    if expected > MAX_BODY_BYTES:
        raise InputError(f"{where}: claims {expected} bytes of weights; at most {MAX_BODY_BYTES} are accepted")
    try:
        stated = zstandard.frame_content_size(compressed)
        if stated != expected:
            raise InputError(f"{where}: damaged; its body states {stated} bytes, its header {expected}")
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        body = unpacker.decompress(compressed)
        if not unpacker.eof or unpacker.unused_data:
            raise InputError(f"{where}: truncated, or followed by bytes that do not belong to it")
    except zstandard.ZstdError:
        raise InputError(f"{where}: truncated or damaged; its body does not decompress") from None
    if len(body) != expected:
        raise InputError(f"{where}: damaged; its body has {len(body)} bytes, expected {expected}")
    return body


def _encode(weight: Tensor, encoding: Encoding, bits: int) -> bytes:
    if encoding == "int":
        values, scales = quantise_rows(weight, bits)
        return scales.numpy().astype("<f2").tobytes() + values.numpy().tobytes()
    return weight.numpy().astype("<f2" if encoding == "fp16" else "<f4").tobytes()


def _encoded_bytes(encoding: str, shape: tuple[int, ...]) -> int:
    count = math.prod(shape)
    if encoding == "int":
        return count + 2 * (shape[0] if shape else 0)
    return count * (2 if encoding == "fp16" else 4)


def _decode(content: bytes, encoding: str, shape: tuple[int, ...]) -> Tensor:
    if encoding == "int":
        rows = shape[0]
        scales = np.frombuffer(content[: 2 * rows], "<f2").astype(np.float32)
        values = np.frombuffer(content[2 * rows :], np.int8).astype(np.float32).reshape(shape)
        return torch.from_numpy(values * scales[:, None])
    values = np.frombuffer(content, "<f2" if encoding == "fp16" else "<f4").astype(np.float32)
    return torch.from_numpy(values.reshape(shape))
