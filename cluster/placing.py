"""From jobs and nodes to the policy's plain data and back: classes of machines never mix, and a job that failed on a
node goes to another one if there is one."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from cluster.executor import Node
from cluster.policy import Free, Placement, Waiting, place
from jobs.store import JobRecord


def choose(
    jobs: Sequence[JobRecord],
    nodes: Sequence[Node],
    taken: Collection[tuple[str, int]],
    avoid: Mapping[str, Collection[str]],
    now: float,
) -> list[Placement]:
    """Decide which jobs start now, and where.

    Args:
        jobs: those that wait, oldest first.
        nodes: all that may be used.
        taken: node and slot of everything that runs.
        avoid: nodes that a job had better not go to, by its key.
        now: epoch seconds.
    """
    placements: list[Placement] = []
    for kind in sorted({node.machine.slot_class for node in nodes}):
        here = [node for node in nodes if node.machine.slot_class == kind]
        mine = [job for job in jobs if job.order.job.machine.slot_class == kind]
        placements += _within(mine, here, set(taken), avoid, now)
    return placements


def free(nodes: Iterable[Node], taken: Collection[tuple[str, int]]) -> list[Free]:
    """Nodes with the slots on which nothing runs."""
    return [
        Free(
            node=node.name,
            capacity=node.slots,
            slots=tuple(slot for slot in range(node.slots) if (node.name, slot) not in taken),
        )
        for node in nodes
    ]


def _within(
    jobs: Sequence[JobRecord],
    nodes: Sequence[Node],
    taken: set[tuple[str, int]],
    avoid: Mapping[str, Collection[str]],
    now: float,
) -> list[Placement]:
    """Placements on nodes of one class: first of each job that must not go everywhere, then of all others.

    A wide job of the former that has to wait keeps the emptiest of its nodes free of the latter.
    """

    def allowed(job: JobRecord) -> list[Node]:
        wide_enough = [node for node in nodes if node.slots >= job.order.slots]
        return [node for node in wide_enough if node.name not in avoid.get(job.key, ())] or wide_enough

    def settle(some: Sequence[JobRecord], there: Sequence[Node]) -> None:
        found = place([_waiting(job) for job in some], free(there, taken), now)
        placements.extend(found)
        taken.update((one.node, slot) for one in found for slot in one.slots)

    placements: list[Placement] = []
    kept: set[str] = set()
    for job in jobs:
        if avoid.get(job.key):
            there = [node for node in allowed(job) if node.name not in kept]
            settle([job], there)
            if job.order.slots > 1 and there and job.key not in {one.key for one in placements}:
                kept.add(max(free(there, taken), key=lambda one: (len(one.slots), one.node)).node)
    rest = [job for job in jobs if not avoid.get(job.key)]
    settle(rest, [node for node in nodes if node.name not in kept])
    return placements


def _waiting(job: JobRecord) -> Waiting:
    return Waiting(
        key=job.key,
        gang=job.order.job.kind == "train",
        slots=job.order.slots,
        priority=job.order.priority,
        since=job.created,
    )
