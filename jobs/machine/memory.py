"""How much memory this machine can give to jobs, and what does not fit."""

from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import torch

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells a container's limit, by version of control groups (cgroups(7)); psutil reads neither."""


def device_type() -> str:
    """Where jobs of this machine compute: "cuda" or "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def device_bytes() -> int:
    """Memory of one GPU, or without any of the whole machine or container, in bytes."""
    if device_type() == "cuda":
        return int(torch.cuda.get_device_properties(0).total_memory)
    total = int(psutil.virtual_memory().total)
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # absent, or "max"
            total = min(total, int(path.read_text(encoding="utf-8")))
    return total


def memory_problem(needed: int, what: str, *, processes: int = 1) -> str | None:
    """Why work cannot fit this machine's memory; None if it may.

    Args:
        needed: bytes of one process, at least.
        what: the work, with what to lower, e.g. "train.batch_tokens".
        processes: how many run on this machine at once; they share its memory, but each has a GPU of its own.
    """
    count = 1 if device_type() == "cuda" else processes
    if needed * count <= device_bytes():
        return None
    each = f"{count} processes × {gigabytes(needed)}" if count > 1 else gigabytes(needed)
    place = "its GPU" if device_type() == "cuda" else "this machine"
    return f"{what}: needs at least {each}, {place} has {gigabytes(device_bytes())}; lower it, or use a larger machine"


def gigabytes(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / 1e9:,.1f} GB"
