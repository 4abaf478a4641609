"""From jobs and nodes to the policy's plain data and back: classes of machines never mix, and a job that failed on a
node goes to another one if there is one."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from cluster.executor import Node
from cluster.policy.fairness import Usage
from cluster.policy.policy import Free, Placement, Waiting, place
from cluster.scheduling.state.warm import Warm
from jobs.spec import Order
from jobs.store import JobRecord

Taken = Mapping[tuple[str, int], float | None]
"""Node and slot that are in use → when that is expected to end; None where nothing is known."""


def choose(
    jobs: Sequence[JobRecord],
    nodes: Sequence[Node],
    taken: Taken,
    warm: Warm,
    avoid: Mapping[str, Collection[str]],
    now: float,
    *,
    epoch: float,
    usage: Usage,
    seconds: Callable[[Order], float | None],
) -> list[Placement]:
    """Decide which jobs start now, and where.

    Args:
        jobs: those that wait, oldest first.
        nodes: all that may be used.
        taken: slots in use.
        warm: what evaluators have loaded.
        avoid: nodes that a job had better not go to, by its key.
        now: the time, in seconds, as `taken` and `usage` have it.
        epoch: epoch seconds at which that was 0.
        usage: what every sweep has had lately, what runs included.
        seconds: what a job is expected to take at most.
    """
    placements: list[Placement] = []
    for kind in sorted({node.machine.slot_class for node in nodes}):
        here = [node for node in nodes if node.machine.slot_class == kind]
        waiting = [
            Waiting.of(job.key, job.order, job.created - epoch, seconds(job.order), _shunned(job, here, avoid))
            for job in jobs
            if job.order.job.machine.slot_class == kind
        ]
        placements += place(waiting, free(here, taken, warm), now, usage=usage)
    return placements


def _shunned(job: JobRecord, nodes: Sequence[Node], avoid: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Nodes that a job must not go to: those that it had better not, unless there is no other that is wide enough."""
    shunned = frozenset(avoid.get(job.key, ()))
    return shunned if any(node.slots >= job.order.slots and node.name not in shunned for node in nodes) else frozenset()


def free(nodes: Iterable[Node], taken: Taken, warm: Warm) -> list[Free]:
    """Nodes with the slots that are not in use."""
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
