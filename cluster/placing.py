"""From jobs and nodes to the policy's plain data and back: classes of machines never mix, and a job that failed on a
node goes to another one if there is one."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from cluster.executor import Node
from cluster.fairness import Usage
from cluster.policy import Free, Placement, Waiting, place
from cluster.warm import Warm
from jobs.spec import Order
from jobs.store import JobRecord

Taken = Mapping[tuple[str, int], float | None]
"""Node and slot of everything that runs → when it is expected to end; None where nothing is known."""


def choose(
    jobs: Sequence[JobRecord],
    nodes: Sequence[Node],
    taken: Taken,
    warm: Warm,
    avoid: Mapping[str, Collection[str]],
    now: float,
    *,
    usage: Usage,
    seconds: Callable[[Order], float | None],
) -> list[Placement]:
    """Decide which jobs start now, and where.

    Args:
        jobs: those that wait, oldest first.
        nodes: all that may be used.
        taken: what runs.
        warm: what evaluators have loaded.
        avoid: nodes that a job had better not go to, by its key.
        now: epoch seconds.
        usage: what every sweep has had lately, what runs included.
        seconds: what a job is expected to take at most.
    """
    placements: list[Placement] = []
    for kind in sorted({node.machine.slot_class for node in nodes}):
        here = [node for node in nodes if node.machine.slot_class == kind]
        mine = [job for job in jobs if job.order.job.machine.slot_class == kind]
        waiting = [Waiting.of(job.key, job.order, job.created, seconds(job.order)) for job in mine]
        placements += _within(waiting, here, dict(taken), warm, avoid, now, usage)
    return placements


def free(nodes: Iterable[Node], taken: Taken, warm: Warm) -> list[Free]:
    """Nodes with the slots on which nothing runs."""
    return [
        Free(
            node=node.name,
            capacity=node.slots,
            slots=tuple(slot for slot in range(node.slots) if (node.name, slot) not in taken),
            ends={slot: end for slot in range(node.slots) if (end := taken.get((node.name, slot))) is not None},
            warm=warm.of(node.name),
        )
        for node in nodes
    ]


def _within(
    jobs: Sequence[Waiting],
    nodes: Sequence[Node],
    taken: dict[tuple[str, int], float | None],
    warm: Warm,
    avoid: Mapping[str, Collection[str]],
    now: float,
    usage: Usage,
) -> list[Placement]:
    """Placements on nodes of one class: first of each job that must not go everywhere, then of all others.

    A wide job of the former that has to wait keeps the emptiest of its nodes free of the latter.
    """

    def allowed(job: Waiting) -> list[Node]:
        wide_enough = [node for node in nodes if node.slots >= job.slots]
        return [node for node in wide_enough if node.name not in avoid.get(job.key, ())] or wide_enough

    def settle(some: Sequence[Waiting], there: Sequence[Node]) -> None:
        found = place(some, free(there, taken, warm), now, usage=usage)
        placements.extend(found)
        taken.update({(one.node, slot): None for one in found for slot in one.slots})

    placements: list[Placement] = []
    kept: set[str] = set()
    for job in jobs:
        if avoid.get(job.key):
            there = [node for node in allowed(job) if node.name not in kept]
            settle([job], there)
            if job.slots > 1 and there and job.key not in {one.key for one in placements}:
                kept.add(max(free(there, taken, warm), key=lambda one: (len(one.slots), one.node)).node)
    settle([job for job in jobs if not avoid.get(job.key)], [node for node in nodes if node.name not in kept])
    return placements
