"""The program of a gang: the command that its ranks run, and how to read what they leave in the gang's folder.

A program knows nothing of processes. `cluster.executors.launcher` starts it, watches it and ends it.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from golf.files import write_atomically
from jobs.events import Failed, Failure, Finished

LOG = "log.txt"
"""The file of a gang's folder to which the launcher sends what is printed; of very much, the beginning and the end."""
GANG_VARIABLE = "GOLFSWEEP_GANG"
"""The variable by which all processes of a gang are known; whoever starts one in another environment passes it on."""
CHECKPOINT = "checkpoint"
"""The input from which a gang goes on: the content of an earlier attempt's checkpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GangPace:
    """How a gang that runs is getting on, in seconds."""

    seconds: float
    """How long it has been running."""
    quiet: float
    """How long it has shown no advance."""
    idle: float
    """How long its ranks have hardly used a processor, while it showed no advance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GangEnd:
    """How a gang came to its end."""

    at: float
    """What the monotonic clock showed when it ended, or advanced for the last time before it was ended."""
    exited: bool = True
    """Whether it ended by itself, with exit code 0; otherwise it was ended after its work was complete."""
    left: int = 0
    """Processes that it left running when it ended by itself, and that were then ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Complete:
    """A gang's work is complete although it still runs."""


class Program(ABC):
    """A program that runs as a gang. The defaults fit a script that only prints."""

    uses_torchrun: bool = True
    """Whether torchrun starts one process a slot; otherwise the command itself is the gang."""
    python: str = sys.executable
    """The interpreter that runs torchrun."""
    advance: ClassVar[str] = "output"
    """What a gang that hangs does not show any more, in a word for a person."""
    advance_file: ClassVar[str] = LOG
    """The file of the folder that changes whenever the work advances: the gang's heartbeat."""
    start_seconds: ClassVar[float] = 900.0
    """Time for the first advance, if that is more than for any other: a gang imports, loads, compiles, warms up."""
    silence_seconds: float | None = None
    """Time for any other advance, where the program knows better than its stage."""
    checkpoint_file: ClassVar[str | None] = None
    """The file that is written anew whenever there is a new checkpoint."""
    large_files: ClassVar[Sequence[str]] = ()
    """Files that are removed once their content has left the folder; the rest stays to explain the attempt."""
    stack_word: ClassVar[str | None] = None
    """A word of the command line of each rank that prints its stacks when it is sent SIGUSR1."""

    def prepare(self, folder: Path, inputs: Mapping[str, bytes]) -> None:
        """Fill the gang's folder before it starts, from contents by name; by default with its checkpoint, if there."""
        if self.checkpoint_file is not None and CHECKPOINT in inputs:
            write_atomically(folder / self.checkpoint_file, inputs[CHECKPOINT])

    @abstractmethod
    def command(self, folder: Path) -> Sequence[str]:
        """The command of each rank, or of the whole gang without torchrun; called at the moment of the start."""

    def working_folder(self, folder: Path) -> Path | None:
        """The working directory of its processes; this process's own where None."""
        return folder

    def environment(self, folder: Path, own: Mapping[str, str]) -> Mapping[str, str]:
        """The whole environment of its processes, made of this process's own."""
        return own

    def take_output(self, content: bytes) -> None:
        """Be handed what is printed, as it comes."""
        return

    def heartbeat(self, folder: Path) -> object:
        """Something that differs from before whenever the work has advanced; None before it first did."""
        return modified(folder / self.advance_file)

    def progress(self, folder: Path) -> tuple[float, str]:
        """How far the work is (0 to 1), and a short note for a person."""
        return 0.0, ""

    def steps_per_second(self, folder: Path) -> float | None:
        """The rate of a training whose time is limited, which shows a slow node; None while it is unknown."""
        return None

    def verdict(self, folder: Path, pace: GangPace) -> Failed | Complete | None:
        """Whether a gang that runs is to be ended, being lost or complete; asked for after each look at it."""
        return None

    def pack_checkpoint(self, folder: Path) -> bytes:
        """The content from which another attempt goes on, by default that of its checkpoint file."""
        assert self.checkpoint_file is not None, "only a program with such a file has checkpoints"
        return (folder / self.checkpoint_file).read_bytes()

    @abstractmethod
    def finish(self, folder: Path, end: GangEnd) -> Finished | Failed:
        """The results of a gang that ended well, or why it did not."""

    def written(self, folder: Path, failed: Failed) -> Finished:
        """What a gang had completed before it failed: its contents; with other outputs, if that was all of its work."""
        return Finished(outputs={})

    def errors(self, folder: Path) -> list[tuple[Failure, str]]:
        """What the ranks say they failed of, the most likely cause first."""
        return []

    def clean(self, folder: Path) -> None:
        """Remove what has left in an event of its own; what explains the attempt stays."""
        for name in self.large_files:
            (folder / name).unlink(missing_ok=True)


def modified(path: Path) -> int | None:
    """When a file was last written, in nanoseconds; None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
