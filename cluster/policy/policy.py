"""Who runs next, and where: plain Python on plain data with the clock passed in, the same for a cluster, a plan and a
simulation.

Priority goes before everything. Of equal priority, the sweep that has had least of the cluster lately is served next
(`cluster.policy.fairness`); its gangs go before its evaluations, and what others wait for before what nobody does, but
whoever has waited AGE_SECONDS longer goes first all the same. No slot is idle while a job waits that fits it, except on
a node that is drained: evaluations of one slot and some seconds would never leave a node empty by themselves, so for a
gang that fits nowhere one takes nothing more that would outlast its draining ("EASY" backfilling: Lifka 1995, The
ANL/IBM SP scheduling system), as long as the slots that stand idle for it cost less than the gang's work and wait.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster.policy.capacity import Capacity, NodeSlots, node_slots, serves
from cluster.policy.fairness import Usage
from cluster.policy.queues import AGE_SECONDS, Lane, Queues, Waiting
from jobs.budget import Account, Budget, reservation

__all__ = ["AGE_SECONDS", "Free", "Placement", "Policy", "Waiting", "place"]

GANG_SECONDS = 1800.0
"""A sweep's gang goes before other sweeps' evaluations until its sweep has had so many seconds of its slots more."""
WIDE_SECONDS = 600.0
"""What a job of several slots takes where nothing is known of it: the contest's limit."""
RETRY_SECONDS = 5.0
"""Time until a drain that was not worth its cost is looked at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Free:
    """A node's slots that nothing runs on."""

    node: str
    capacity: int
    slots: tuple[int, ...]
    device: str | None = None
    """Its device model; None where nobody said."""
    ends: Mapping[int, float] = field(default_factory=dict)
    """When its other slots are expected to fall free, where that is known."""
    warm: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Artifacts that a slot's evaluator has loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """A job and the slots it is to run on."""

    key: str
    node: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    job: Waiting
    placement: Placement
    started: float
    reserved: float
    """GPU-hours that are set aside for it."""


def place(
    waiting: Sequence[Waiting],
    nodes: Sequence[Free],
    now: float,
    *,
    usage: Usage | None = None,
) -> list[Placement]:
    """Decide once which waiting jobs start now.

    Args:
        waiting: jobs in the order in which they were made.
        nodes: free slots of every node.
        now: the time, in the unit of `Waiting.since`.
        usage: what every sweep has had lately; left as it is.

    Returns:
        Placements that do not overlap; a job that fits no node at all is not among them.
    """
    policy = Policy(usage=None if usage is None else usage.copy())
    for node in nodes:
        policy.add_node(node)
    for job in waiting:
        policy.submit(job)
    return policy.decide(now)


class Policy:
    """All that waits and runs on one cluster; `decide` whenever anything has changed."""

    def __init__(
        self,
        *,
        usage: Usage | None = None,
        budgets: Mapping[str, Budget] | None = None,
        spent: Mapping[str, float] | None = None,
        epoch: float = 0.0,
    ) -> None:
        """Begin with an empty cluster.

        Args:
            usage: what every sweep has had lately.
            budgets: limits by sweep; a sweep without any has none.
            spent: GPU-hours that sweeps with limits have spent already.
            epoch: the time, as deadlines are given, at which the clock of `decide` shows 0.
        """
        self.refused: dict[str, str] = {}
        """Jobs that can never start within their budget or before their deadline, and why; they wait no more."""
        self._budgets, self._epoch = budgets or {}, epoch
        self._accounts = {sweep: Account(spent=(spent or {}).get(sweep, 0.0), reserved=0.0) for sweep in self._budgets}
        self._usage = usage or Usage()
        self._capacity = Capacity()
        self._queues = Queues()
        self._running: dict[str, _Running] = {}

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._queues)

    @property
    def free(self) -> int:
        """Slots that nothing runs on."""
        return self._capacity.free

    def running(self, key: str) -> Waiting:
        """A job that was placed and has not ended."""
        return self._running[key].job

    def add_node(self, node: Free) -> None:
        """A node appears."""
        self._capacity.add(
            node_slots(node.node, node.capacity, node.slots, device=node.device, ends=node.ends, warm=node.warm)
        )

    def remove_node(self, name: str, now: float) -> list[str]:
        """A node is gone; returns the jobs that ran there, which the caller may submit again."""
        lost = [key for key, running in self._running.items() if running.placement.node == name]
        for key in lost:
            self.finish(key, now)
        self._capacity.remove(name)
        return lost

    def submit(self, job: Waiting) -> None:
        """A job waits from now on."""
        self._queues.add(job)

    def withdraw(self, key: str) -> None:
        """A job does not wait any more."""
        self._trim(self._queues.remove(key))

    def finish(self, key: str, now: float) -> None:
        """A job has ended, however it did: its slots are free, and its sweep's account is settled."""
        running = self._running.pop(key)
        job, placement = running.job, running.placement
        self._usage.advance(now)
        self._usage.hold(job.sweep, -job.slots)
        self._capacity.give(placement.node, placement.slots, None if job.gang else job.artifact)
        self._charge(
            job.sweep, spent=(now - running.started) * job.slots / 3600, reserved=-running.reserved, running=-1
        )

    def decide(self, now: float) -> list[Placement]:
        """Which waiting jobs start now; they count as running from here on."""
        self._usage.advance(now)
        placements: list[Placement] = []
        lanes = self._queues.lanes()
        unserved: set[str | None] = set()
        while lanes:
            lane = self._next(lanes)
            job = self._queues.first(lane)[2]
            hours = self._set_aside(job, now)
            if isinstance(hours, str) and not self._may_be_settled(job, now):
                self.withdraw(job.key)
                self.refused[job.key] = hours
            elif isinstance(hours, float) and (node := self._fit(job, lane, lanes, now)) is not None:
                placements.append(self._start(job, node, hours, now))
            else:
                lanes.remove(lane)
                if isinstance(hours, str):
                    self._trim(lane, 0)
                elif self._capacity.hosts(job.device, job.slots):
                    # A node is not drained for one job while another, whose turn comes first, could use its slots.
                    if job.slots > 1 and not any(serves(device, job.device) for device in unserved):
                        self._drain(lane, job, now)
                    if not lane.avoid:  # else there are nodes whose slots it could not use
                        unserved.add(lane.device)
            if not lane.count:
                lanes.remove(lane)
        return placements

    def _next(self, lanes: list[Lane]) -> Lane:
        """The lane whose turn it is."""
        heads = self._queues.heads(lanes)
        return min(heads, key=lambda head: (-head[2].priority, self._claim(head[2]), head[0], head[1]))[2]

    def _claim(self, lane: Lane) -> float:
        return self._usage.share(lane.sweep) - (GANG_SECONDS * lane.slots if lane.gang else 0.0)

    def _set_aside(self, job: Waiting, now: float) -> float | str:
        """GPU-hours to reserve for a job, or why it must not start."""
        if (budget := self._budgets.get(job.sweep)) is None:
            return 0.0
        return reservation(budget, self._accounts[job.sweep], job.slots, job.seconds, self._epoch + now)

    def _may_be_settled(self, job: Waiting, now: float) -> bool:
        """Whether what is set aside for others may yet pay for a job; time for it there will never be more."""
        deadline = self._budgets[job.sweep].deadline
        in_time = deadline is None or self._epoch + now + (job.seconds or 0.0) < deadline
        return in_time and self._accounts[job.sweep].running > 0

    def _charge(self, sweep: str, *, spent: float = 0.0, reserved: float, running: int) -> None:
        """Change what a sweep with limits has spent and set aside in GPU-hours, and how many of its jobs run."""
        if (account := self._accounts.get(sweep)) is not None:
            self._accounts[sweep] = Account(
                spent=account.spent + spent,
                reserved=max(0.0, account.reserved + reserved),
                running=account.running + running,
            )

    def _fit(self, job: Waiting, lane: Lane, later: Sequence[Lane], now: float) -> NodeSlots | None:
        """A node on which a job can start now; `later` are lanes whose turn has not come yet."""
        if self._capacity.free < job.slots:
            return None
        if job.slots == 1 and job.artifact is not None:
            warm = self._capacity.warm(job.artifact, job.device, job.avoid)
            if warm is not None:
                return warm
        return self._capacity.tightest(job.device, job.slots, job.avoid) or self._fit_drained(job, lane, later, now)

    def _fit_drained(self, job: Waiting, lane: Lane, later: Sequence[Lane], now: float) -> NodeSlots | None:
        """A node drained for this job's own lane, or for one whose turn comes later, or that is free again in time."""
        for node in self._capacity.drained():
            if len(node.free) >= job.slots and serves(node.device, job.device) and node.name not in job.avoid:
                in_time = job.seconds is not None and now + job.seconds <= node.ready
                if node.owner is lane or in_time:
                    return node
                if node.owner in later:
                    self._capacity.release(node)
                    return node
        return None

    def _start(self, job: Waiting, node: NodeSlots, hours: float, now: float) -> Placement:
        slots = node.choose(job.slots, job.artifact)
        self._capacity.take(node.name, slots, None if job.seconds is None else now + job.seconds)
        lane = self._queues.remove(job.key)
        if node.owner is lane:
            self._capacity.release(node)
        self._trim(lane)
        placement = Placement(key=job.key, node=node.name, slots=slots)
        self._running[job.key] = _Running(job, placement, now, hours)
        self._usage.hold(job.sweep, job.slots)
        self._charge(job.sweep, reserved=hours, running=1)
        return placement

    def _trim(self, lane: Lane, most: int | None = None) -> None:
        """Drain no more nodes for a lane than jobs wait in it; those drained last are given up first."""
        while len(lane.drains) > (lane.count if most is None else most):
            self._capacity.release(self._capacity.nodes[next(reversed(lane.drains))])

    def _drain(self, lane: Lane, job: Waiting, now: float) -> None:
        """Drain nodes for the jobs of a lane, each where it costs and delays least, if it is worth it at all."""
        drained = [self._capacity.nodes[name] for name in lane.drains]
        late = [node for node in drained if node.ready < now]
        for node in late:  # something there takes longer than was thought: choose again, now
            self._capacity.release(node)
        wanted = lane.count - len(lane.drains)
        if not wanted or (now < lane.retry and not late):
            return
        brings = job.slots * ((job.seconds or WIDE_SECONDS) + now - job.since)
        costs = []
        for node in self._capacity.drainable(job.device, job.slots, job.avoid):
            ready, idle = node.drain(job.slots, now)
            if idle <= brings:
                costs.append((idle + job.slots * (ready - now), node.name, ready))
        for _, name, ready in heapq.nsmallest(wanted, costs):
            self._capacity.reserve(self._capacity.nodes[name], lane, ready)
        if len(lane.drains) < lane.count:
            lane.retry = now + RETRY_SECONDS
