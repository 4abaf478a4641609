"""Who runs next, and where: pure functions on plain data, the same for a cluster, a plan and a simulation.

Gangs go first when a node can hold them: an evaluation takes one slot for seconds, a gang a whole node for minutes, so
the other way round a node would never be empty. While a gang waits, one node is kept free of new evaluations for it.
Nothing waits for ever: whoever has waited AGE_SECONDS longer than the rest goes before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

AGE_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A job that could run now."""

    key: str
    gang: bool
    """A gang needs all its slots on one node at once; an evaluation can do with fewer, but asks for its width."""
    slots: int
    priority: int
    since: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Free:
    """A node's slots that nothing runs on."""

    node: str
    capacity: int
    slots: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """A job and the slots it is to run on."""

    key: str
    node: str
    slots: tuple[int, ...]


def place(waiting: Sequence[Waiting], nodes: Sequence[Free], now: float) -> list[Placement]:
    """Decide which waiting jobs start now.

    Args:
        waiting: jobs in the order in which they were made.
        nodes: free slots of every node.
        now: the time, in the unit of `Waiting.since`.

    Returns:
        Placements that do not overlap; a job that fits no node at all is not among them.
    """
    free = {node.node: list(node.slots) for node in nodes}
    capacity = {node.node: node.capacity for node in nodes}
    placements: list[Placement] = []
    reserved: set[str] = set()
    for job in sorted(waiting, key=lambda job: _rank(job, now)):
        open_nodes = [name for name in free if name not in reserved and capacity[name] >= job.slots]
        if not open_nodes:
            continue
        # The fullest node that still has room keeps emptier ones whole; without room, the one soonest empty is kept.
        fitting = [name for name in open_nodes if len(free[name]) >= job.slots]
        if fitting:
            chosen = min(fitting, key=lambda name: (len(free[name]), name))
            slots, free[chosen] = free[chosen][: job.slots], free[chosen][job.slots :]
            placements.append(Placement(key=job.key, node=chosen, slots=tuple(slots)))
        elif job.slots > 1:
            reserved.add(max(open_nodes, key=lambda name: (len(free[name]), name)))
    return placements


def _rank(job: Waiting, now: float) -> tuple[int, int, bool]:
    """Priority first, then whole ages waited, then gangs; equal ranks keep their order."""
    return -job.priority, -int(max(0.0, now - job.since) // AGE_SECONDS), not job.gang
