"""Waiting jobs in lanes, so that a decision looks at the first job of each lane and not at a hundred thousand jobs."""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.spec import Order
from jobs.stages.registry import stage_named

AGE_SECONDS = 1800.0

LaneKind = tuple[int, str, str | None, bool, int, frozenset[str]]
"""Priority, sweep, slot class, whether it is a gang, slots, and nodes to avoid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A job that could run now."""

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
    """The artifact that its evaluator loads."""
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
    ) -> "Waiting":
        """An order as the policy sees it."""
        return cls(
            key=key,
            gang=stage_named(order.job.stage).is_gang,
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
    def lane(self) -> LaneKind:
        """The kind of lane that it waits in."""
        return (self.priority, self.sweep, self.slot_class, self.gang, self.slots, self.avoid)

    @property
    def due(self) -> float:
        """When its turn comes within its sweep: AGE_SECONDS later if it is no gang, and again if nobody awaits it."""
        return self.since + AGE_SECONDS * ((not self.gang) + (not self.awaited))


@dataclass(eq=False, slots=True)
class Lane:
    """Jobs that fit the same nodes: the first stands for all."""

    priority: int
    sweep: str
    slot_class: str | None
    gang: bool
    slots: int
    avoid: frozenset[str]
    entries: list[tuple[float, int, Waiting]] = field(default_factory=list)
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
        self._lanes: dict[LaneKind, Lane] = {}
        self._arrivals: dict[str, int] = {}
        """Order of arrival of every waiting job."""
        self._jobs: dict[str, Waiting] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Waiting) -> Lane | None:
        """Let a job wait, in place of an earlier form of it; returns the lane that the earlier form has left, if any.

        It keeps its place where lane and turn are the same.
        """
        before = self._jobs.get(job.key)
        if before is not None and (before.lane, before.due) == (job.lane, job.due):
            self._swap(job)
            return None
        left = None if before is None else self.remove(job.key)
        lane = self._lanes.get(job.lane) or self._lanes.setdefault(job.lane, Lane(*job.lane))
        self._arrived += 1
        self._jobs[job.key], self._arrivals[job.key] = job, self._arrived
        heapq.heappush(lane.entries, (job.due, self._arrived, job))
        lane.count += 1
        return left

    def _swap(self, job: Waiting) -> None:
        entries, arrived = self._lanes[job.lane].entries, self._arrivals[job.key]
        place = next(number for number, (_, arrival, _) in enumerate(entries) if arrival == arrived)
        self._jobs[job.key], entries[place] = job, (job.due, arrived, job)

    def remove(self, key: str) -> Lane:
        """Let a job wait no longer; returns the lane that it has left."""
        job = self._jobs.pop(key)
        del self._arrivals[key]
        lane = self._lanes[job.lane]
        lane.count -= 1
        if not lane.count:
            lane.entries.clear()
        return lane

    def lanes(self) -> list[Lane]:
        """Lanes with waiting jobs; forgets the others."""
        for kind in [kind for kind, lane in self._lanes.items() if not lane.count and not lane.drains]:
            del self._lanes[kind]
        return [lane for lane in self._lanes.values() if lane.count]

    def first(self, lane: Lane) -> tuple[float, int, Waiting]:
        """The first entry of a lane with waiting jobs."""
        while self._arrivals.get(lane.entries[0][2].key) != lane.entries[0][1]:
            heapq.heappop(lane.entries)
        return lane.entries[0]

    def heads(self, lanes: Iterable[Lane]) -> list[tuple[float, int, Lane]]:
        """For every sweep and priority, the lane whose first job is due first, with that job's due time and arrival."""
        heads: dict[tuple[int, str], tuple[float, int, Lane]] = {}
        for lane in lanes:
            due, arrival, _ = self.first(lane)
            before = heads.get((lane.priority, lane.sweep))
            if before is None or (due, arrival) < before[:2]:
                heads[lane.priority, lane.sweep] = (due, arrival, lane)
        return list(heads.values())
