"""Checkpoints: tensors and plain JSON in one safetensors file, written atomically, without pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from golf.errors import InputError
from golf.files import write_atomically

MIN_INTERVAL_RATIO = 20
"""A pause between checkpoints is at least this many times as long as writing one: they cost at most 5 % of the time."""
METADATA_KEY = "golf"
"""Key of the JSON in the file's metadata."""


def pack(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """Serialize tensors (copied to the CPU) and facts (plain JSON); equal input gives equal bytes."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(stored, {METADATA_KEY: json.dumps(facts, sort_keys=True)})


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
    write_atomically(path, pack(tensors, facts))


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
    """Decides when the next checkpoint is due, on a clock that pauses while one is written; times in seconds."""

    def __init__(self, min_pause: float, now: float) -> None:
        self._min_pause = self._pause = min_pause
        self._last = now

    def is_due(self, now: float) -> bool:
        """Whether the pause since the last checkpoint, or since the start, has passed."""
        return now - self._last >= self._pause

    def restart(self, now: float, write_seconds: float) -> None:
        """Start the next pause: the minimum, or 20 times the time that writing took if that is longer."""
        self._last, self._pause = now, max(self._min_pause, MIN_INTERVAL_RATIO * write_seconds)
