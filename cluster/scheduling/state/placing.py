"""The policy of a live cluster, kept up to date with the cluster's nodes and jobs from step to step.

Machine classes never mix: a job runs only on slots of its own class. A job that failed on a node goes to another one if
there is any.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from cluster.executor import Node
from cluster.policy.policy import FreeSlots, Placement, Policy, PolicyJob
from cluster.scheduling.state.backoff import Backoff
from jobs.spec import Order
from jobs.store import JobRecord

SKEW_SECONDS = 1.0
"""How far the wall clock of the process that made a job may be ahead of this one's."""


class Placing:
    """One policy for the life of a scheduler: usage, drains, retry times and loaded artifacts persist in it."""

    def __init__(self) -> None:
        self._policy = Policy()
        self._backoff = Backoff()
        self._nodes: dict[str, Node] = {}
        """Nodes that the policy may use."""
        self._waiting: dict[str, PolicyJob] = {}
        """Jobs that wait in the policy."""
        self._running: set[str] = set()

    # What has changed

    def see_nodes(self, usable: Sequence[Node]) -> None:
        """Tell the policy which nodes may be used; jobs that run on a removed node hold their slots if it returns."""
        names = {node.name: node for node in usable}
        for name in [name for name, node in self._nodes.items() if names.get(name) != node]:
            self._policy.remove_node(name)
            del self._nodes[name]
        for node in usable:
            if node.name not in self._nodes:
                self._nodes[node.name] = node
                slots = tuple(range(node.slots))
                self._policy.add_node(
                    FreeSlots(node=node.name, capacity=node.slots, slots=slots, slot_class=node.machine.slot_class)
                )

    def see_jobs(
        self,
        jobs: Iterable[JobRecord],
        avoid: Mapping[str, Collection[str]],
        now: float,
        epochs: tuple[float, float],
        seconds: Callable[[Order], float | None],
    ) -> None:
        """Tell the policy which jobs wait.

        Args:
            jobs: all claimed jobs that wait, oldest first.
            avoid: nodes that a job should not go back to, by its key.
            now: the policy's clock.
            epochs: epoch seconds at which the policy's clock showed 0, as the wall clock was at first and as it is now.
            seconds: the longest expected duration of a job.
        """
        records = {job.key: job for job in jobs}
        for key in self._waiting.keys() - records.keys():
            self._policy.withdraw(key)
            del self._waiting[key]
        for key, job in records.items():
            before = self._waiting.get(key)
            since = _since(job, now, epochs) if before is None else before.since
            waiting = PolicyJob.of(key, job.order, since, seconds(job.order), self._nodes_to_avoid(job, avoid))
            if waiting != before:
                self._policy.submit(waiting)
                self._waiting[key] = waiting

    def _nodes_to_avoid(self, job: JobRecord, avoid: Mapping[str, Collection[str]]) -> frozenset[str]:
        """Nodes that a job must not go to; none if no other node of its class is wide enough."""
        nodes = frozenset(avoid.get(job.key, ()))
        return nodes if nodes and self.has_others(job, nodes) else frozenset()

    def has_others(self, job: JobRecord, nodes: Collection[str]) -> bool:
        """Whether any usable node but these is of a job's class and wide enough for it."""
        slot_class = job.order.job.machine.slot_class
        return any(
            node.machine.slot_class == slot_class and node.slots >= job.order.slots and node.name not in nodes
            for node in self._nodes.values()
        )

    def expect(self, key: str, seconds: float) -> None:
        """Expect a running job to take this long in all."""
        self._policy.expect(key, seconds)

    def ended(self, key: str, now: float, *, processes_live: bool) -> None:
        """A running job has ended; its workers keep their artifacts if their processes live on."""
        if key in self._running:
            self._running.remove(key)
            self._policy.finish(key, now, processes_live=processes_live)

    def ended_well(self, placement: Placement) -> None:
        """A job has succeeded on its slots: nobody else uses them."""
        self._backoff.reset(placement)

    def rest_slots(self, placement: Placement, now: float) -> None:
        """A job found a process of somebody else on its slots: let them rest before the next try."""
        for slot, until in self._backoff.extend(placement, now).items():
            self._policy.block(placement.node, [slot], until)

    # Decisions

    def free_slots(self, now: float) -> Iterator[FreeSlots]:
        """Usable nodes that have free slots."""
        return self._policy.free_slots(now)

    def decide(self, now: float) -> list[Placement]:
        """Which jobs start now, and where; they count as running until they end or are retracted."""
        placements = self._policy.decide(now)
        for placement in placements:
            del self._waiting[placement.key]
            self._running.add(placement.key)
        return placements

    def retract(self, placements: Iterable[Placement], started: Collection[str], now: float) -> None:
        """Undo the placements whose jobs were not started; jobs that still wait are decided in the next round."""
        for key in [
            placement.key for placement in placements if placement.key in self._running and placement.key not in started
        ]:
            self._running.remove(key)
            self._policy.retract(key, now)


def _since(job: JobRecord, now: float, epochs: tuple[float, float]) -> float:
    """Since when a job has waited, by the policy's clock.

    If somebody has set the wall clock, a job was made by one setting or the other: the later of both readings that does
    not lie ahead is right. It is fixed when the job is first seen.
    """
    readings = [job.created - epoch for epoch in epochs]
    return max((reading for reading in readings if reading <= now + SKEW_SECONDS), default=now)
