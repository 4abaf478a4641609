"""What the scheduler needs of a machine or a cluster: slots, and a way to run tasks on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jobs.events import Event
from jobs.spec import Machine, Order
from jobs.stages.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One machine: its name in the cluster, how many slots it has, and what kind they are of."""

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
    """Content by name: what earlier stages made; the checkpoint of a gang that goes on."""
    shards: tuple[int, ...] = ()
    """Shards of the job that this worker is to do."""
    silence_seconds: float = 900.0
    """How long it may show no advance before it counts as hung."""


class Unplaceable(RuntimeError):
    """A task cannot be started where it was placed: the node is gone, or its slots are somebody else's."""


class Executor(Protocol):
    """Runs tasks somewhere; knows nothing of why."""

    def nodes(self) -> list[Node]:
        """Nodes that are alive now."""
        ...

    @property
    def cluster(self) -> str:
        """What tells this cluster from every other: it has one scheduler at a time."""
        ...

    def start(self, task: Task) -> None:
        """Begin a task on slots that the caller knows to be free.

        Raises:
            Unplaceable: it cannot be started there.
        """
        ...

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        """Events by task since the last call, waiting at most `timeout` seconds for the first.

        Every task ends with exactly one Finished or Failed.
        """
        ...

    def cancel(self, task_id: str) -> None:
        """End a task and all its processes; it tells nothing more."""
        ...

    def close(self) -> None:
        """End everything that was started."""
        ...
