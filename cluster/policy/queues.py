"""Waiting jobs in queues: a decision looks at the first job of each queue, not at a hundred thousand jobs."""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.spec import Order
from jobs.stages.registry import stage_of

AGE_SECONDS = 1800.0

QueueKind = tuple[int, str, str | None, bool, int, frozenset[str]]
"""Priority, sweep, slot class, whether it is a gang, slots, and nodes to avoid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyJob:
    """A job as the policy sees it: it waits, or runs."""

    key: str
    gang: bool
    """Whether its processes depend on each other."""
    slots: int
    priority: int
    """Of its sweep."""
    since: float
    sweep: str = ""
    awaited: bool = True
    """Whether another job or a trial waits for its result."""
    slot_class: str | None = None
    """The machine class that its slots must have; None if any will do."""
    artifact: str | None = None
    """The artifact that its worker loads."""
    seconds: float | None = None
    """Its expected duration; None if unknown."""
    avoid: frozenset[str] = frozenset()
    """Nodes that it must not run on."""

    @classmethod
    def of(
        cls,
        key: str,
        order: Order,
        since: float,
        seconds: float | None = None,
        avoid: frozenset[str] = frozenset(),
    ) -> "PolicyJob":
        """An order as the policy sees it."""
        return cls(
            key=key,
            gang=stage_of(order.job).is_gang,
            slots=order.slots,
            priority=order.priority,
            since=since,
            sweep=order.sweep,
            awaited=order.awaited,
            slot_class=order.job.machine.slot_class,
            artifact=order.job.inputs.get("artifact"),
            seconds=seconds,
            avoid=avoid,
        )

    @property
    def queue(self) -> QueueKind:
        """The kind of queue that it waits in."""
        return (self.priority, self.sweep, self.slot_class, self.gang, self.slots, self.avoid)

    @property
    def due(self) -> float:
        """When its turn comes within its sweep: later by AGE_SECONDS if it is no gang, and if nobody awaits it."""
        return self.since + AGE_SECONDS * ((not self.gang) + (not self.awaited))


@dataclass(eq=False, slots=True)
class Queue:
    """Jobs that fit the same nodes: the first stands for all."""

    priority: int
    sweep: str
    slot_class: str | None
    gang: bool
    slots: int
    avoid: frozenset[str]
    entries: list[tuple[float, int, PolicyJob]] = field(default_factory=list)
    """A heap of (due, order of arrival, job); stale entries are dropped when they reach the top."""
    count: int = 0
    """Number of waiting jobs."""
    drains: dict[str, None] = field(default_factory=dict)
    """Nodes that are drained for it, the longest drained first."""
    retry: float = -math.inf
    """When draining one more node is considered next."""


class Queues:
    """All waiting jobs."""

    def __init__(self) -> None:
        self._queues: dict[QueueKind, Queue] = {}
        self._arrivals: dict[str, int] = {}
        """Order of arrival of every waiting job."""
        self._jobs: dict[str, PolicyJob] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: PolicyJob) -> Queue | None:
        """Let a job wait, in place of an earlier version of it; returns the queue that the latter left, if any.

        It keeps its place where queue and turn are the same.
        """
        before = self._jobs.get(job.key)
        if before is not None and (before.queue, before.due) == (job.queue, job.due):
            self._swap(job)
            return None
        left = None if before is None else self.remove(job.key)
        queue = self._queues.get(job.queue) or self._queues.setdefault(job.queue, Queue(*job.queue))
        self._arrived += 1
        self._jobs[job.key], self._arrivals[job.key] = job, self._arrived
        heapq.heappush(queue.entries, (job.due, self._arrived, job))
        queue.count += 1
        return left

    def _swap(self, job: PolicyJob) -> None:
        entries, arrived = self._queues[job.queue].entries, self._arrivals[job.key]
        place = next(number for number, (_, arrival, _) in enumerate(entries) if arrival == arrived)
        self._jobs[job.key], entries[place] = job, (job.due, arrived, job)

    def remove(self, key: str) -> Queue:
        """Let a job wait no longer; returns the queue that it has left."""
        job = self._jobs.pop(key)
        del self._arrivals[key]
        queue = self._queues[job.queue]
        queue.count -= 1
        if not queue.count:
            queue.entries.clear()
        return queue

    def in_use(self) -> list[Queue]:
        """Queues with waiting jobs; forgets the others."""
        for kind in [kind for kind, queue in self._queues.items() if not queue.count and not queue.drains]:
            del self._queues[kind]
        return [queue for queue in self._queues.values() if queue.count]

    def first(self, queue: Queue) -> tuple[float, int, PolicyJob]:
        """The first entry of a queue with waiting jobs."""
        while self._arrivals.get(queue.entries[0][2].key) != queue.entries[0][1]:
            heapq.heappop(queue.entries)
        return queue.entries[0]

    def heads(self, queues: Iterable[Queue]) -> list[tuple[float, int, Queue]]:
        """For every sweep and priority, the queue whose first job is due first, with its due time and arrival."""
        heads: dict[tuple[int, str], tuple[float, int, Queue]] = {}
        for queue in queues:
            due, arrival, _ = self.first(queue)
            before = heads.get((queue.priority, queue.sweep))
            if before is None or (due, arrival) < before[:2]:
                heads[queue.priority, queue.sweep] = (due, arrival, queue)
        return list(heads.values())
