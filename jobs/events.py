"""What a running job tells: plain, small and picklable, so that it can cross processes and nodes.

Workers never touch the store; whoever runs them writes these events down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Failure(StrEnum):
    """Why a job did not finish; what follows from it is the scheduler's policy."""

    BAD_CONFIGURATION = "bad configuration"
    DIVERGED = "diverged"
    GPU_MEMORY = "out of GPU memory"
    HOST_MEMORY = "out of host memory"
    OVER_TIME = "over its time"
    TOO_LARGE = "artifact too large"
    DISK_FULL = "disk full"
    HANG = "hang"
    COLLECTIVE = "collective time-out"
    """A rank waited for the others in vain (NCCL, gloo)."""
    CRASH = "crash"
    LOST = "lost"
    """Its node went away, or somebody killed it: not its own fault."""
    DIED = "worker died"
    """Its worker's process ended and its node lives: a kill, the kernel's for want of memory, or a crash."""
    UNFIT = "unfit node"
    """It could not even begin: its slots are not free, or somebody else computes on their GPUs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a job is; also its heartbeat."""

    fraction: float
    note: str
    log: str | None = None
    """The last lines that it printed, where there are new ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """State from which an interrupted training goes on."""

    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """Scores of some of an evaluation's documents, as a Parquet table document, nll, tokens, bytes."""

    index: int
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A job, or one worker's part of an evaluation, is done."""

    outputs: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Content by name of output; its digest takes the content's place in the outputs."""
    peak_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A job ended without a result."""

    failure: Failure
    reason: str
    """One line."""
    log: str = ""
    """The last lines that it printed; empty where nobody is left to say, and those told before count."""


Event = Progress | Checkpoint | Shard | Finished | Failed
