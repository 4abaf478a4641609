"""The policy on a virtual clock: a model gives the duration of jobs, a list says when nodes are lost.

One loop over a heap of events. Ended attempts are handed out once and not kept, so memory does not grow.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cluster.policy.policy import FreeSlots, Placement, Policy, PolicyJob


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    """Nodes of one kind."""

    nodes: int
    slots: int
    """Of each node."""
    slot_class: str | None = None

    def free(self) -> list[FreeSlots]:
        """The nodes, empty."""
        slots, width = tuple(range(self.slots)), len(str(self.nodes - 1))
        return [
            FreeSlots(node=f"node {number:0{width}d}", capacity=self.slots, slots=slots, slot_class=self.slot_class)
            for number in range(self.nodes)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """A node is gone for a while: a preemption, a crash."""

    node: str
    at: float
    until: float | None = None
    """When it comes back; None if it never does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """An attempt on its slots from start to end: one bar of a Gantt chart."""

    job: PolicyJob
    node: str
    slots: tuple[int, ...]
    start: float
    end: float
    outcome: Literal["done", "failed", "lost"]


@dataclass(kw_only=True, slots=True)
class Totals:
    """Sums over a simulation so far. The fields without "seconds" in their name are slot-seconds."""

    seconds: float = 0.0
    """From the first job's arrival to the last one's end."""
    slot_seconds: float = 0.0
    """Slots that existed."""
    busy: float = 0.0
    """Slots in use."""
    waited: float = 0.0
    """Slots that existed while at least one job waited."""
    idle: float = 0.0
    """Of these, slots not in use."""
    placements: int = 0

    @property
    def utilization(self) -> float:
        """Share of the slots' time in which they were in use."""
        return self.busy / self.slot_seconds if self.slot_seconds else 0.0

    @property
    def idle_share(self) -> float:
        """Share of the slots' time in which they were idle, while work waited."""
        return self.idle / self.waited if self.waited else 0.0


@dataclass(eq=False, slots=True)
class _Run:
    job: PolicyJob
    placement: Placement
    start: float
    seconds: float
    """Duration of the whole job on these slots."""
    share: float
    """Share of the whole job that this attempt does before it ends."""
    failed: bool


@dataclass(slots=True)
class Simulation:
    """One cluster on a virtual clock that starts at 0."""

    nodes: Sequence[FreeSlots]
    seconds: Callable[[PolicyJob, Placement], float]
    """Duration of a whole job on these slots, start-up included."""
    policy: Policy = field(default_factory=Policy)
    outages: Sequence[Outage] = ()
    fails: Callable[[PolicyJob, int], float | None] | None = None
    """At which share of the rest of a job its attempt n (from 1) fails; None if it does not."""
    now: float = 0.0
    totals: Totals = field(default_factory=Totals)
    _events: list[tuple[float, int, _Run | Outage | FreeSlots]] = field(default_factory=list)
    """A heap of future events: an attempt's end, a node's loss, a node's return."""
    _number: int = 0
    _slots: int = 0
    _runs: dict[str, _Run] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _left: dict[str, float] = field(default_factory=dict)
    """Share still to be done of interrupted jobs: checkpoints and finished shards are kept."""

    def run(self, jobs: Iterable[PolicyJob], after: Callable[[list[Span]], Iterable[PolicyJob]]) -> Iterator[Span]:
        """Run until no job can run any more.

        Args:
            jobs: the first jobs.
            after: called with all attempts that ended at one moment; returns the jobs to submit then. A failed or lost
                attempt is retried without being returned.

        Yields:
            Every attempt when it ends.
        """
        for node in self.nodes:
            self._appear(node)
        for outage in self.outages:
            self._push(outage.at, outage)
        self._submit(jobs)
        self._start()
        while self._events and (self._runs or self.policy.waiting):
            ended = self._advance()
            self._submit(after(ended))
            self._start()
            yield from ended

    def _advance(self) -> list[Span]:
        """Go to the next event, and handle all events of that moment."""
        at = self._events[0][0]
        self._count(at - self.now)
        self.now = at
        ended: list[Span] = []
        while self._events and self._events[0][0] == at:
            _, _, event = heapq.heappop(self._events)
            match event:
                case Outage():
                    ended += self._lose(event)
                case FreeSlots():
                    self._appear(event)
                case _ if self._runs.get(event.job.key) is event:
                    self.policy.finish(event.job.key, self.now, processes_live=not event.failed)
                    ended.append(self._end(event, "failed" if event.failed else "done", event.share))
        if ended:
            self.totals.seconds = self.now
        return ended

    def _count(self, seconds: float) -> None:
        free, totals = self.policy.free, self.totals
        totals.slot_seconds += seconds * self._slots
        totals.busy += seconds * (self._slots - free)
        if self.policy.waiting:
            totals.waited += seconds * self._slots
            totals.idle += seconds * free

    def _submit(self, jobs: Iterable[PolicyJob]) -> None:
        for job in jobs:
            self.policy.submit(job)

    def _start(self) -> None:
        for placement in self.policy.decide(self.now):
            job = self.policy.running(placement.key)
            left = self._left.get(job.key, 1.0)
            attempt = self._failures.get(job.key, 0) + 1
            share = None if self.fails is None else self.fails(job, attempt)
            seconds = self.seconds(job, placement)
            run = _Run(
                job, placement, self.now, seconds, left * (1.0 if share is None else share), share is not None
            )  # fmt: skip
            self._runs[job.key] = run
            self.totals.placements += 1
            self._push(self.now + run.share * seconds, run)

    def _end(self, run: _Run, outcome: Literal["done", "failed", "lost"], done: float) -> Span:
        """End an attempt; its job waits again unless it is done."""
        job, placement = run.job, run.placement
        del self._runs[job.key]
        if outcome == "done":
            self._left.pop(job.key, None)
            self._failures.pop(job.key, None)
        else:
            self._left[job.key] = self._left.get(job.key, 1.0) - done
            self._failures[job.key] = self._failures.get(job.key, 0) + (outcome == "failed")
            self.policy.submit(job)
        return Span(
            job=job, node=placement.node, slots=placement.slots, start=run.start, end=self.now, outcome=outcome
        )  # fmt: skip

    def _appear(self, node: FreeSlots) -> None:
        self.policy.add_node(node)
        self._slots += node.capacity

    def _lose(self, outage: Outage) -> list[Span]:
        """Remove a node, and end what ran there."""
        [node] = [node for node in self.nodes if node.node == outage.node]
        self._slots -= node.capacity
        if outage.until is not None:
            self._push(outage.until, node)
        runs = [self._runs[key] for key in self.policy.remove_node(node.node)]
        for run in runs:
            self.policy.finish(run.job.key, self.now, processes_live=False)
        return [self._end(run, "lost", min(run.share, (self.now - run.start) / run.seconds)) for run in runs]

    def _push(self, at: float, event: _Run | Outage | FreeSlots) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, event))
