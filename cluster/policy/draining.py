"""Draining: keeping a node's free slots free until a wide job fits.

One-slot jobs of some seconds would never leave a node empty by themselves. A drained node therefore starts nothing that
would outlast the drain ("EASY" backfilling: Lifka 1995, The ANL/IBM SP scheduling system), as long as the slots that
stand idle cost less than the job's work and its wait so far.
"""

import heapq

from cluster.policy.capacity import Capacity
from cluster.policy.queues import PolicyJob, Queue

WIDE_SECONDS = 600.0
"""Assumed duration of a wide job about which nothing is known: the contest's limit."""
RETRY_SECONDS = 5.0
"""Time until a drain that was not worth its cost is considered again."""


def drain_for(queue: Queue, job: PolicyJob, capacity: Capacity, now: float) -> None:
    """Drain nodes for a queue's jobs, each where it costs and delays least, if it is worth it at all.

    Args:
        queue: whose jobs need nodes.
        job: the queue's first job; the others need the same.
        capacity: all nodes.
        now: the time.
    """
    late = [node for name in queue.drains if (node := capacity.nodes[name]).ready < now]
    for node in late:  # a job there takes longer than expected: choose again
        capacity.stop_drain(node)
    missing = queue.count - len(queue.drains)
    if not missing or (now < queue.retry and not late):
        return
    worth = job.slots * ((job.seconds or WIDE_SECONDS) + now - job.since)
    costs = []
    for node in capacity.drainable(job.slot_class, job.slots, job.avoid):
        ready, idle = node.wait_for(job.slots, now)
        if idle <= worth:
            costs.append((idle + job.slots * (ready - now), node.name, ready))
    for _, name, ready in heapq.nsmallest(missing, costs):
        capacity.start_drain(capacity.nodes[name], queue, ready)
    if len(queue.drains) < queue.count:
        queue.retry = now + RETRY_SECONDS


def trim_drains(queue: Queue, capacity: Capacity, most: int | None = None) -> None:
    """Drain no more nodes for a queue than it has jobs (or than `most`); the latest drains end first."""
    while len(queue.drains) > (queue.count if most is None else most):
        capacity.stop_drain(capacity.nodes[next(reversed(queue.drains))])
