"""What the scheduler needs of a machine or a cluster: nodes with slots, and a way to run tasks on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jobs.events import Event
from jobs.spec import Machine, Order
from jobs.stages.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One machine: its name in the cluster, its number of slots and their machine class."""

    name: str
    host: str
    slots: int
    machine: Machine
    """Machine class of one slot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A job, or one worker's part of an evaluation, placed on slots of one node."""

    id: str
    stage: Stage
    """The object itself: a worker need not have it in its registry."""
    order: Order
    node: str
    slots: tuple[int, ...]
    workdir: Path
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    """Content by name: what earlier stages made; the checkpoint of a gang that resumes."""
    shards: tuple[int, ...] = ()
    """Shards of the job for this worker."""
    silence_seconds: float = 900.0
    """How long it may make no progress before it counts as hung."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What an executor on this machine is opened for (`cluster.registry`)."""

    widest: int
    """Slots of the widest job."""
    home: Path
    """The folder of the sweeps' results; distinguishes its processes from those of other homes on this machine."""
    say: Callable[[str], None] = lambda text: None
    """Called with what a person should know while the executor is open."""


class Unplaceable(RuntimeError):
    """A task cannot start where it was placed: the node is gone, or somebody else uses its slots."""


class Executor(Protocol):
    """Runs tasks on nodes; knows nothing of sweeps or the store.

    Raises (`nodes`, `start`, `poll`): Unavailable if the cluster is lost for good; the other methods never do.
    """

    def nodes(self) -> list[Node]:
        """Nodes that are alive now."""
        ...

    @property
    def cluster(self) -> str:
        """The cluster's unique name, for this machine `machine_cluster()`; a cluster has one scheduler at a time."""
        ...

    def start(self, task: Task) -> None:
        """Start a task on slots that the caller knows to be free.

        Raises:
            Unplaceable: it cannot start there.
        """
        ...

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        """Events by task since the last call, waiting at most `timeout` seconds for the first.

        Every task ends with exactly one Finished or Failed.
        """
        ...

    def cancel(self, task_id: str) -> None:
        """End a task and all its processes; no more events come from it."""
        ...

    def close(self) -> None:
        """End everything that was started."""
        ...


class JoinedExecutor(Executor, Protocol):
    """An executor on a cluster that was running already; this machine need be none of its nodes."""

    def interpreters(self, python: str | None, passed: Sequence[str]) -> Mapping[str, Mapping[str, str | None] | str]:
        """Node → what a script's own interpreter is there (Python, torch, CUDA, GPU), or why it did not say.

        Args:
            python: the interpreter; None for golfsweep's own there.
            passed: names of a node's variables that reach the script.

        Raises:
            Unavailable: the cluster is gone.
        """
        ...
