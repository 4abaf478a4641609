"""What running tasks report: plain, small and picklable, so that it can cross processes and nodes.

Workers never touch the store; the scheduler writes these events to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FAILED_AFTER = "failed_after"
"""The output of a job that failed after all that it was to leave was complete: why. Later jobs go by its outputs."""


class Failure(StrEnum):
    """Why an attempt failed; `cluster.policy.retry` decides what follows."""

    BAD_CONFIGURATION = "bad configuration"
    DIVERGED = "diverged"
    GPU_MEMORY = "out of GPU memory"
    HOST_MEMORY = "out of host memory"
    OVER_TIME = "over its time"
    TOO_LARGE = "artifact too large"
    DISK_FULL = "disk full"
    HANG = "hang"
    COLLECTIVE = "collective time-out"
    """A rank timed out waiting for the others (NCCL, gloo)."""
    CRASH = "crash"
    LOST = "lost"
    """Its node went away, or somebody killed it: not its own fault."""
    DIED = "worker died"
    """Its worker's process ended while its node lives: killed, out of memory, or crashed."""
    UNFIT = "unfit node"
    """Its node does not serve: its slots or their GPUs are in use by somebody else, or it is slow."""
    NOT_READY = "node not ready"
    """Its node lacks what it needs: a program, a module, data, or the interpreter of the sweep's other jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A task's progress; also its heartbeat."""

    fraction: float
    note: str
    log: str | None = None
    """The last lines that it printed, if there are new ones."""
    steps_per_second: float | None = None
    """Of a training that takes as many steps as its time allows, once it is past its start; else None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """State from which an interrupted training resumes."""

    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """Scores of one shard of an evaluation's documents: a Parquet table with columns document, nll, tokens, bytes."""

    index: int
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A job, or one worker's part of an evaluation, is done."""

    outputs: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Output name → content; the outputs get its digest."""
    peak_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A job ended without a result."""

    failure: Failure
    reason: str
    """One line."""
    log: str = ""
    """The last lines that it printed; if empty, the last ones that it reported count."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Output name → content of what it completed before it failed."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """All other outputs, `FAILED_AFTER` among them, where it had completed all that it was to leave; else empty."""


Event = Progress | Checkpoint | Shard | Finished | Failed
