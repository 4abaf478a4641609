"""The program of a gang: the command that its ranks run, and how to read what they leave in the gang's folder.

A program knows nothing of processes. `cluster.executors.launcher` starts it, watches it and ends it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from jobs.events import Failure, Finished

LOG = "log.txt"
"""The file of a gang's folder to which the launcher sends all that is printed."""


class Program(ABC):
    """A program that runs as a gang. The defaults fit a script that only prints."""

    uses_torchrun: ClassVar[bool] = True
    """Whether torchrun starts one process a slot; otherwise the command itself is the gang."""
    runs_in_folder: ClassVar[bool] = True
    """Whether the gang's folder is its working directory."""
    advance: ClassVar[str] = "output"
    """What a gang that hangs does not show any more, in a word for a person."""
    advance_file: ClassVar[str] = LOG
    """The file of the folder that changes whenever the work advances: the gang's heartbeat."""
    start_seconds: ClassVar[float] = 900.0
    """Time for the first advance, if that is more than for any other: a gang imports, loads, compiles, warms up."""
    checkpoint_file: ClassVar[str | None] = None
    """The file that is written anew whenever there is a new checkpoint."""
    large_files: ClassVar[Sequence[str]] = ()
    """Files that are removed once their content has left the folder; the rest stays to explain the attempt."""
    stack_word: ClassVar[str | None] = None
    """A word of the command line of each rank that prints its stacks when it is sent SIGUSR1."""

    def prepare(self, folder: Path, checkpoint: bytes | None) -> None:
        """Fill the gang's folder before it starts; go on from the content of a checkpoint, if there is one."""
        if checkpoint is not None:
            raise NotImplementedError(f"{type(self).__name__} does not go on from a checkpoint")

    @abstractmethod
    def command(self, folder: Path) -> Sequence[str]:
        """The command of each rank, or of the whole gang without torchrun; called at the moment of the start."""

    def environment(self) -> Mapping[str, str]:
        """Variables that are set on top of this process's own."""
        return {}

    def progress(self, folder: Path) -> tuple[float, str]:
        """How far the work is (0 to 1), and a short note for a person."""
        return 0.0, ""

    def pack_checkpoint(self, folder: Path) -> bytes:
        """The content from which another attempt goes on."""
        raise NotImplementedError(f"{type(self).__name__} names a checkpoint file and does not pack it")

    @abstractmethod
    def finish(self, folder: Path, ended: float) -> Finished:
        """The results of a gang whose exit code is 0 and that ended when the monotonic clock showed `ended`."""

    def errors(self, folder: Path) -> list[tuple[Failure, str]]:
        """What the ranks say they failed of, the most likely cause first."""
        return []
