"""The policy, unchanged, on a virtual clock: jobs take what a model says, nodes are lost when a list says, and nothing
else happens. One loop over a heap of events; what is told is told once and not kept.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cluster.policy.policy import Free, Placement, Policy, Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    """Nodes of one kind."""

    nodes: int
    slots: int
    """Of each node."""
    device: str | None = None

    def free(self) -> list[Free]:
        """The nodes, empty."""
        slots, width = tuple(range(self.slots)), len(str(self.nodes - 1))
        return [
            Free(node=f"node {number:0{width}d}", capacity=self.slots, slots=slots, device=self.device)
            for number in range(self.nodes)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """A node is gone for a while: a preemption, a crash."""

    node: str
    at: float
    until: float | None = None
    """When it is there again; None if it never is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A job on its slots from its start to its end: one bar of a Gantt chart."""

    job: Waiting
    node: str
    slots: tuple[int, ...]
    start: float
    end: float
    outcome: Literal["done", "failed", "lost"]


@dataclass(kw_only=True, slots=True)
class Totals:
    """Sums over a simulation so far; seconds of all slots are slot-seconds."""

    seconds: float = 0.0
    """From the first job's arrival to the last one's end."""
    slot_seconds: float = 0.0
    """That there were slots."""
    busy: float = 0.0
    """That slots were in use."""
    waited: float = 0.0
    """That there were slots while at least one job waited."""
    idle: float = 0.0
    """Of these, the ones in which a slot was not in use."""
    placements: int = 0

    @property
    def utilization(self) -> float:
        """Share of all slots' time that they were in use."""
        return self.busy / self.slot_seconds if self.slot_seconds else 0.0

    @property
    def idle_share(self) -> float:
        """Share of slots' time that they stood idle, of the time in which work waited."""
        return self.idle / self.waited if self.waited else 0.0


@dataclass(eq=False, slots=True)
class _Run:
    job: Waiting
    placement: Placement
    start: float
    seconds: float
    """What the whole job would take on these slots."""
    share: float
    """Of the whole job, what this attempt does before it ends."""
    failed: bool


@dataclass(slots=True)
class Simulation:
    """One cluster on a virtual clock that starts at 0."""

    nodes: Sequence[Free]
    seconds: Callable[[Waiting, Placement], float]
    """What a whole job takes on these slots, start-up included."""
    policy: Policy = field(default_factory=Policy)
    outages: Sequence[Outage] = ()
    fails: Callable[[Waiting, int], float | None] | None = None
    """At which share of what is left of a job its attempt n (from 1) fails; None where it does not."""
    now: float = 0.0
    totals: Totals = field(default_factory=Totals)
    _events: list[tuple[float, int, _Run | Outage | Free]] = field(default_factory=list)
    """A heap of what will happen: an attempt's end, a node's loss, a node's return."""
    _number: int = 0
    _slots: int = 0
    _runs: dict[str, _Run] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _left: dict[str, float] = field(default_factory=dict)
    """Share still to be done of jobs that were interrupted: checkpoints and finished shards are kept."""

    def run(self, jobs: Iterable[Waiting], after: Callable[[list[Span]], Iterable[Waiting]]) -> Iterator[Span]:
        """Run until nothing is left that could run.

        Args:
            jobs: what waits at the beginning.
            after: called with all attempts that ended at one moment; returns the jobs that wait from then on. An
                attempt that failed or was lost is followed by another by itself.

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
        """Go to the next moment at which something happens, and let all of it happen."""
        at = self._events[0][0]
        self._count(at - self.now)
        self.now = at
        ended: list[Span] = []
        while self._events and self._events[0][0] == at:
            _, _, event = heapq.heappop(self._events)
            match event:
                case Outage():
                    ended += self._lose(event)
                case Free():
                    self._appear(event)
                case _ if self._runs.get(event.job.key) is event:
                    self.policy.finish(event.job.key, self.now)
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

    def _submit(self, jobs: Iterable[Waiting]) -> None:
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
        """Take an attempt off its slots; its job waits again unless it is done."""
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

    def _appear(self, node: Free) -> None:
        self.policy.add_node(node)
        self._slots += node.capacity

    def _lose(self, outage: Outage) -> list[Span]:
        """Take a node away, and what ran there with it."""
        [node] = [node for node in self.nodes if node.node == outage.node]
        self._slots -= node.capacity
        if outage.until is not None:
            self._push(outage.until, node)
        runs = [self._runs[key] for key in self.policy.remove_node(node.node, self.now)]
        return [self._end(run, "lost", min(run.share, (self.now - run.start) / run.seconds)) for run in runs]

    def _push(self, at: float, event: _Run | Outage | Free) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, event))
