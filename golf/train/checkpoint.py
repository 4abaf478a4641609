"""Checkpoints: tensors and plain JSON in one safetensors file, written atomically, without pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from golf.errors import InputError
from golf.files import write_atomically

MIN_INTERVAL_RATIO = 20
"""A pause between checkpoints is at least this many times as long as copying one: they cost at most 5 % of the time."""
METADATA_KEY = "golf"
"""Key of the JSON in the file's metadata."""
DTYPES = {torch.bfloat16: "BF16", torch.float32: "F32", torch.int64: "I64"}
"""Dtypes that can be stored and their names in the file, which has those with wider elements first."""


def pack(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """Serialize tensors (copied to the CPU) and facts (plain JSON); equal input gives equal bytes."""
    return b"".join(pack_parts(tensors, facts))


def pack_parts(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> list[bytes | memoryview]:
    """The bytes of `safetensors.torch.save` in parts, one a tensor, without a copy of contiguous ones on the CPU.

    Writing such parts leaves other threads alone; the library would hold Python's lock while it copies all of them.
    """
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    names = sorted(stored, key=lambda name: (-stored[name].itemsize, name))
    header: dict[str, Any] = {"__metadata__": {METADATA_KEY: json.dumps(facts, sort_keys=True)}}
    end = 0
    for name in names:
        start, end = end, end + stored[name].nbytes
        shape = list(stored[name].shape)
        header[name] = {"dtype": DTYPES[stored[name].dtype], "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    parts = (stored[name].reshape(-1).view(torch.uint8).numpy().data for name in names)
    return [len(text).to_bytes(8, "little"), text, *parts]


def unpack(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors (on the CPU) and facts that `pack` wrote.

    Raises:
        InputError: the bytes are truncated, damaged or no checkpoint; the message starts with `source`.
    """
    try:
        tensors = safetensors.torch.load(content)
        length = int.from_bytes(content[:8], "little")
        facts = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][METADATA_KEY])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: damaged, or not written by golf.train ({error})") from None
    return tensors, facts


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write one file atomically: a reader sees the old one or the new one."""
    write_atomically(path, pack_parts(tensors, facts))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read one file; see `unpack`.

    Raises:
        InputError: the file is missing, damaged or no checkpoint.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a checkpoint") from None
    return unpack(content, str(path))


class CheckpointTimer:
    """Decides when the next checkpoint is due, by the training clock; times in seconds."""

    def __init__(self, min_pause: float, now: float) -> None:
        self._min_pause = self._pause = min_pause
        self._last = now

    def is_due(self, now: float) -> bool:
        """Whether the pause since the last checkpoint, or since the start, has passed."""
        return now - self._last >= self._pause

    def restart(self, now: float, copy_seconds: float) -> None:
        """Start the next pause: the minimum, or 20 times the time that copying took if that is longer."""
        self._last, self._pause = now, max(self._min_pause, MIN_INTERVAL_RATIO * copy_seconds)
