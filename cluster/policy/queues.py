"""What waits: jobs in lanes, so that a decision looks at the first of each lane and not at a hundred thousand jobs."""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.spec import Order
from jobs.stages.registry import stage_named

AGE_SECONDS = 1800.0

LaneKind = tuple[int, str, str | None, bool, int, frozenset[str]]
"""Priority, sweep, device, whether it is a gang, slots, and nodes that it must not go to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A job that could run now."""

    key: str
    gang: bool
    """A gang needs all its slots on one node at once; an evaluation can do with fewer, but asks for its width."""
    slots: int
    priority: int
    """Of its sweep."""
    since: float
    sweep: str = ""
    awaited: bool = True
    """Whether another job or a trial waits for its result."""
    device: str | None = None
    """The device model that it has to run on; None where any will do."""
    artifact: str | None = None
    """What its evaluator has to load."""
    seconds: float | None = None
    """What it is expected to take; None where nothing is known."""
    avoid: frozenset[str] = frozenset()
    """Nodes that it must not go to."""

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
            device=order.job.machine.device,
            artifact=order.job.inputs.get("artifact"),
            seconds=seconds,
            avoid=avoid,
        )

    @property
    def lane(self) -> LaneKind:
        """The lane that it stands in."""
        return (self.priority, self.sweep, self.device, self.gang, self.slots, self.avoid)

    @property
    def due(self) -> float:
        """When it counts as having come: what nobody waits for an age later, and so what is no gang."""
        return self.since + AGE_SECONDS * ((not self.gang) + (not self.awaited))


@dataclass(eq=False, slots=True)
class Lane:
    """Jobs that differ in nothing that decides where they fit: the first of them stands for all."""

    priority: int
    sweep: str
    device: str | None
    gang: bool
    slots: int
    avoid: frozenset[str]
    entries: list[tuple[float, int, Waiting]] = field(default_factory=list)
    """A heap of (due, order of arrival, job); those of jobs that wait no more are dropped when they come up."""
    count: int = 0
    """Jobs that wait."""
    drains: dict[str, None] = field(default_factory=dict)
    """Nodes that are drained for it, the longest first."""
    retry: float = -math.inf
    """When draining one more is next worth a look."""


class Queues:
    """All jobs that wait."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKind, Lane] = {}
        self._arrivals: dict[str, int] = {}
        """Order of arrival of every job that waits."""
        self._jobs: dict[str, Waiting] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Waiting) -> None:
        """A job waits from now on."""
        kind = job.lane
        lane = self._lanes.get(kind) or self._lanes.setdefault(kind, Lane(*kind))
        self._arrived += 1
        self._jobs[job.key], self._arrivals[job.key] = job, self._arrived
        heapq.heappush(lane.entries, (job.due, self._arrived, job))
        lane.count += 1

    def remove(self, key: str) -> Lane:
        """A job waits no more; returns the lane that it stood in."""
        job = self._jobs.pop(key)
        del self._arrivals[key]
        lane = self._lanes[job.lane]
        lane.count -= 1
        if not lane.count:
            lane.entries.clear()
        return lane

    def lanes(self) -> list[Lane]:
        """Lanes in which jobs wait; forgets the others."""
        for kind in [kind for kind, lane in self._lanes.items() if not lane.count and not lane.drains]:
            del self._lanes[kind]
        return [lane for lane in self._lanes.values() if lane.count]

    def first(self, lane: Lane) -> tuple[float, int, Waiting]:
        """The first entry of a lane in which a job waits."""
        while self._arrivals.get(lane.entries[0][2].key) != lane.entries[0][1]:
            heapq.heappop(lane.entries)
        return lane.entries[0]

    def heads(self, lanes: Iterable[Lane]) -> list[tuple[float, int, Lane]]:
        """Of every sweep and priority the lane whose first job is due first, with that job's place in the queue."""
        found: dict[tuple[int, str], tuple[float, int, Lane]] = {}
        for lane in lanes:
            due, arrival, _ = self.first(lane)
            before = found.get((lane.priority, lane.sweep))
            if before is None or (due, arrival) < before[:2]:
                found[lane.priority, lane.sweep] = (due, arrival, lane)
        return list(found.values())
