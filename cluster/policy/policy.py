"""Who runs next, and where: plain Python on plain data with the clock passed in.

One `Policy` object lives as long as its cluster. The live scheduler, `golfsweep plan` and the simulator tell the same
class the same things (nodes, jobs, ends), so that usage, drains and their retry times persist alike in all three.

The order: priority comes first. Of equal priority, the sweep with the least recent usage is served next
(`cluster.policy.fairness`); its gangs go before its evaluations, and jobs that others wait for before jobs that nobody
waits for, but a job that has waited AGE_SECONDS longer goes first all the same. No slot is idle while a job that fits
it waits, except on a node that is drained for a wide job (`cluster.policy.draining`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.policy.accounts import Accounts
from cluster.policy.capacity import Capacity, NodeSlots, serves
from cluster.policy.draining import drain_for, trim_drains
from cluster.policy.fairness import Usage
from cluster.policy.kept_artifacts import KeptArtifacts
from cluster.policy.queues import AGE_SECONDS, PolicyJob, Queue, Queues
from jobs.budget import Budget

__all__ = ["AGE_SECONDS", "FreeSlots", "Placement", "Policy", "PolicyJob"]

GANG_SECONDS = 1800.0
"""A sweep's gang goes before other sweeps' evaluations until its sweep is ahead by this many seconds of its slots."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeSlots:
    """A node, and its slots on which nothing runs."""

    node: str
    capacity: int
    slots: tuple[int, ...]
    slot_class: str | None = None
    """The machine class of its slots; None suits every job."""
    ends: Mapping[int, float] = field(default_factory=dict)
    """When its other slots are expected to fall free, where that is known."""
    loaded: Mapping[int, Collection[str]] = field(default_factory=dict)
    """Artifacts that a slot's worker has loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """A job and the slots it is to run on."""

    key: str
    node: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _RunningJob:
    job: PolicyJob
    placement: Placement
    started: float
    reserved: float
    """GPU-hours reserved for it."""
    end: float | None
    """When it is expected to end; None if unknown."""


class Policy:
    """All jobs that wait and run on one cluster; call `decide` whenever anything has changed."""

    def __init__(
        self,
        *,
        budgets: Mapping[str, Budget] | None = None,
        spent: Mapping[str, float] | None = None,
        epoch: float = 0.0,
        usage: Usage | None = None,
    ) -> None:
        """Begin with an empty cluster.

        Args:
            budgets: limits by sweep; a sweep without any has none.
            spent: GPU-hours that sweeps with limits have spent already.
            epoch: epoch seconds at which the clock of `decide` shows 0.
            usage: recent slot-seconds of every sweep.
        """
        self.refused: dict[str, str] = {}
        """Jobs that can never start within their budget or before their deadline, and why; they no longer wait."""
        self._accounts = Accounts(budgets or {}, spent or {}, epoch)
        self._usage = usage or Usage()
        self._capacity = Capacity()
        self._queues = Queues()
        self._running: dict[str, _RunningJob] = {}
        self._blocked: dict[tuple[str, int], float] = {}
        """Node and slot → until when a process that is not ours is expected to use it."""

    @property
    def waiting(self) -> int:
        """Number of waiting jobs."""
        return len(self._queues)

    @property
    def free(self) -> int:
        """Number of slots on which nothing runs."""
        return self._capacity.free

    def free_slots(self, now: float) -> Iterator[FreeSlots]:
        """Nodes that have free slots, drained ones included."""
        self._unblock(now)
        for node in self._capacity.nodes.values():
            if node.free:
                yield FreeSlots(
                    node=node.name, capacity=node.capacity, slots=tuple(node.free), slot_class=node.slot_class
                )

    def running(self, key: str) -> PolicyJob:
        """A job that was placed and has not ended."""
        return self._running[key].job

    # Nodes

    def add_node(self, node: FreeSlots) -> None:
        """Add a node; slots on which jobs of ours still run, and blocked slots, are busy."""
        ends: dict[int, float | None] = {slot: node.ends.get(slot) for slot in range(node.capacity)}
        for slot in node.slots:
            del ends[slot]
        for slot, end in self._in_use(node.node).items():
            if slot < node.capacity:
                ends[slot] = end
        self._capacity.add(
            NodeSlots(
                name=node.node,
                slot_class=node.slot_class,
                capacity=node.capacity,
                free=[slot for slot in node.slots if slot not in ends],
                busy=ends,
                loaded={slot: KeptArtifacts(sorted(artifacts)) for slot, artifacts in node.loaded.items()},
            )
        )

    def remove_node(self, name: str) -> list[str]:
        """Start nothing more on a node; returns the jobs that still run there, which end with `finish`."""
        self._capacity.remove(name)
        return [key for key, running in self._running.items() if running.placement.node == name]

    def _in_use(self, node: str) -> dict[int, float | None]:
        """Slots of a node that jobs or others use, and until when."""
        running = [job for job in self._running.values() if job.placement.node == node]
        ends = {slot: job.end for job in running for slot in job.placement.slots}
        return ends | {slot: until for (name, slot), until in self._blocked.items() if name == node}

    def block(self, node: str, slots: Collection[int], until: float) -> None:
        """Start nothing on some slots until a time: a process that is not ours uses them."""
        self._blocked |= {(node, slot): until for slot in slots}
        if node in self._capacity.nodes:
            free = [slot for slot in slots if slot in self._capacity.nodes[node].free]
            self._capacity.take(node, free, until)

    # Jobs

    def submit(self, job: PolicyJob) -> None:
        """Let a job wait, in place of an earlier version of it; it keeps its turn if the turn is unchanged."""
        if (left := self._queues.put(job)) is not None:
            trim_drains(left, self._capacity)

    def withdraw(self, key: str) -> None:
        """Let a job wait no longer."""
        trim_drains(self._queues.remove(key), self._capacity)

    def expect(self, key: str, seconds: float) -> None:
        """Expect a running job to take this long in all."""
        running = self._running[key]
        end = running.started + seconds
        self._running[key] = replace(running, end=end)
        if running.placement.node in self._capacity.nodes:
            self._capacity.expect(running.placement.node, running.placement.slots, end)

    def finish(self, key: str, now: float, *, processes_live: bool = True) -> None:
        """End a running job, however it went: free its slots and settle its sweep's account.

        Args:
            key: the job.
            now: the time.
            processes_live: whether its workers keep running, with their artifacts loaded.
        """
        running = self._running[key]
        job, node, slots = running.job, running.placement.node, running.placement.slots
        if node in self._capacity.nodes:
            if job.gang or not processes_live:
                self._capacity.unload(node, slots)
            elif job.artifact is not None:
                self._capacity.load(node, slots, job.artifact)
        self._end(running, now)

    def retract(self, key: str, now: float) -> None:
        """Undo a placement that was not carried out; the job does not wait until it is submitted again."""
        self._end(self._running[key], now)

    def _end(self, running: _RunningJob, now: float) -> None:
        job, placement = running.job, running.placement
        del self._running[job.key]
        self._usage.advance(now)
        self._usage.hold(job.sweep, -job.slots)
        self._accounts.settle(
            job.sweep, spent=(now - running.started) * job.slots / 3600, reserved=running.reserved
        )  # fmt: skip
        if placement.node in self._capacity.nodes:
            self._capacity.give(placement.node, placement.slots)

    # Decisions

    def decide(self, now: float) -> list[Placement]:
        """Which waiting jobs start now; they count as running from here on."""
        self._usage.advance(now)
        self._unblock(now)
        placements: list[Placement] = []
        queues = self._queues.in_use()
        unserved: set[str | None] = set()
        while queues:
            queue = self._next_queue(queues)
            job = self._queues.first(queue)[2]
            hours = self._accounts.reservation(job, now)
            if isinstance(hours, str) and not self._accounts.may_pay_later(job, now):
                self.withdraw(job.key)
                self.refused[job.key] = hours
            elif isinstance(hours, float) and (node := self._fit(job, queue, queues, now)) is not None:
                placements.append(self._start(job, node, hours, now))
            else:
                queues.remove(queue)
                if isinstance(hours, str):
                    trim_drains(queue, self._capacity, 0)
                elif self._capacity.could_host(job.slot_class, job.slots):
                    # A node is not drained for one job while another, whose turn comes first, could use its slots.
                    if job.slots > 1 and not any(serves(slot_class, job.slot_class) for slot_class in unserved):
                        drain_for(queue, job, self._capacity, now)
                    if not queue.avoid:  # else there are nodes whose slots it could not use
                        unserved.add(queue.slot_class)
            if not queue.count:
                queues.remove(queue)
        return placements

    def _unblock(self, now: float) -> None:
        for node, slot in [place for place, until in self._blocked.items() if until <= now]:
            del self._blocked[node, slot]
            if node in self._capacity.nodes:
                self._capacity.give(node, [slot])

    def _next_queue(self, queues: list[Queue]) -> Queue:
        """The queue whose turn it is."""
        heads = self._queues.heads(queues)
        return min(heads, key=lambda head: (-head[2].priority, self._usage_of(head[2]), head[0], head[1]))[2]

    def _usage_of(self, queue: Queue) -> float:
        """Recent usage of a queue's sweep, less the lead that a gang has."""
        return self._usage.share(queue.sweep) - (GANG_SECONDS * queue.slots if queue.gang else 0.0)

    def _fit(self, job: PolicyJob, queue: Queue, later: Sequence[Queue], now: float) -> NodeSlots | None:
        """A node on which a job can start now; `later` are queues whose turn has not come yet."""
        if self._capacity.free < job.slots:
            return None
        if job.slots == 1 and job.artifact is not None:
            loaded = self._capacity.with_artifact(job.artifact, job.slot_class, job.avoid)
            if loaded is not None:
                return loaded
        best = self._capacity.best_fit(job.slot_class, job.slots, job.avoid)
        return best or self._fit_drained(job, queue, later, now)

    def _fit_drained(self, job: PolicyJob, queue: Queue, later: Sequence[Queue], now: float) -> NodeSlots | None:
        """A node drained for this job's own queue, or for one whose turn comes later, or that is free again in time."""
        for node in self._capacity.drained():
            if len(node.free) >= job.slots and serves(node.slot_class, job.slot_class) and node.name not in job.avoid:
                in_time = job.seconds is not None and now + job.seconds <= node.ready
                if node.owner is queue or in_time:
                    return node
                if node.owner in later:
                    self._capacity.stop_drain(node)
                    return node
        return None

    def _start(self, job: PolicyJob, node: NodeSlots, hours: float, now: float) -> Placement:
        slots = node.choose(job.slots, job.artifact)
        end = None if job.seconds is None else now + job.seconds
        self._capacity.take(node.name, slots, end)
        queue = self._queues.remove(job.key)
        if node.owner is queue:
            self._capacity.stop_drain(node)
        trim_drains(queue, self._capacity)
        placement = Placement(key=job.key, node=node.name, slots=slots)
        self._running[job.key] = _RunningJob(job, placement, now, hours, end)
        self._usage.hold(job.sweep, job.slots)
        self._accounts.reserve(job.sweep, hours)
        return placement
