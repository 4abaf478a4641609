"""Tensors and facts in one file: safetensors with JSON in its header. No pickle, never half a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from golf.errors import InputError
from golf.files import write_atomically

SHARE = 20  # checkpoints take at most a twentieth of the training's own time
FACTS = "golf"  # the one entry of the header's metadata


def pack(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """Serialise tensors (copied to the CPU) and facts (plain JSON); equal input gives equal bytes."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(stored, {FACTS: json.dumps(facts, sort_keys=True)})


def unpack(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read back what `pack` wrote: tensors on the CPU, and facts.

    Raises:
        InputError: the bytes are truncated, damaged or something else; the message names `source`.
    """
    try:
        tensors = safetensors.torch.load(content)
        length = int.from_bytes(content[:8], "little")
        facts = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][FACTS])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: damaged, or not a file of this program ({error})") from None
    return tensors, facts


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write one file atomically: a reader finds the old one or the new one."""
    write_atomically(path, pack(tensors, facts))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read one file.

    Raises:
        InputError: it is missing, damaged or something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return unpack(content, str(path))


class Cadence:
    """When the next checkpoint is due, on a clock that pauses while one is written."""

    def __init__(self, least_seconds: float, now: float) -> None:
        self._least = self._pause = least_seconds
        self._last = now

    def is_due(self, now: float) -> bool:
        """Whether the pause since the last checkpoint, or since the start, is over."""
        return now - self._last >= self._pause

    def saved(self, now: float, took_seconds: float) -> None:
        """Begin the next pause: the least one, or 20 times what the save took."""
        self._last, self._pause = now, max(self._least, SHARE * took_seconds)
