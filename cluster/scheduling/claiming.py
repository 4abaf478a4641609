"""Claims: a scheduler takes from the store no more than can start soon, and keeps nothing for long.

A claim keeps a job from every other scheduler, and a slot from a better job that comes later. So a full cluster claims
nothing, and all claimed jobs that have not started are chosen anew at every look, against all that waits in the store.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from cluster.policy.policy import FreeSlots
from cluster.scheduling.state.in_flight import InFlight
from jobs.spec import Order
from jobs.store import Store

CLAIMED_AHEAD = 4
"""One-slot jobs beyond the free slots, so that a slot that falls free need not wait for a claim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimTarget:
    """How many slots' worth of jobs to claim, of one slot class and some widths."""

    slot_class: str
    widths: tuple[int, int]
    """The least and the most slots of such a job."""
    wanted: int
    """Slots; more is claimed once fewer are claimed."""
    ahead: int
    """Slots claimed beyond these."""

    def fits(self, order: Order) -> bool:
        """Whether a job counts towards this target."""
        least, most = self.widths
        return order.job.machine.slot_class == self.slot_class and least <= order.slots <= most


def claim_targets(slot_class: str, nodes: Sequence[FreeSlots]) -> Iterator[ClaimTarget]:
    """Targets for nodes of one slot class: jobs of one slot and wider ones apart, so that neither keeps the other out.

    A node with a free slot may be drained for as many wide jobs as it can run when it is empty. Beyond them there is
    room for what its free slots can run, because that may start while it is drained.
    """
    open_nodes = [node for node in nodes if node.slots]
    open_slots = sum(len(node.slots) for node in open_nodes)
    wide = [node.capacity for node in open_nodes if node.capacity > 1]
    if wide:
        yield ClaimTarget(slot_class=slot_class, widths=(2, max(wide)), wanted=sum(wide), ahead=open_slots)
    if open_nodes:
        yield ClaimTarget(slot_class=slot_class, widths=(1, 1), wanted=open_slots, ahead=CLAIMED_AHEAD)


class Claiming:
    """One scheduler's claims; claimed jobs that wait are in `InFlight.waiting`."""

    def __init__(self, store: Store, in_flight: InFlight, scheduler: str) -> None:
        self._store, self._in_flight, self._scheduler = store, in_flight, scheduler

    def claim(self, now: float, afresh: bool) -> None:
        """Claim what can start soon.

        Args:
            now: the time of the policy's clock.
            afresh: whether to choose all claimed jobs that wait anew, or only to add what is missing.
        """
        chosen: set[str] = set()
        dropped = set(self._in_flight.waiting) if afresh else set()
        for target in self._targets(now):
            waiting = {key: job.order.slots for key, job in self._in_flight.waiting.items() if target.fits(job.order)}
            if afresh or sum(waiting.values()) < target.wanted:
                dropped |= waiting.keys()
                chosen |= self._take(target)
        self.give_back(dropped - chosen)

    def give_back(self, keys: set[str]) -> None:
        """Release claimed jobs that wait, so that other schedulers may claim them."""
        if keys:
            self._store.release(sorted(keys), scheduler=self._scheduler)
            for key in keys:
                del self._in_flight.waiting[key]

    def _targets(self, now: float) -> Iterator[ClaimTarget]:
        nodes = sorted(self._in_flight.placing.free_slots(now), key=lambda node: node.slot_class or "")
        for slot_class, group in groupby(nodes, key=lambda node: node.slot_class or ""):
            yield from claim_targets(slot_class, list(group))

    def _take(self, target: ClaimTarget) -> set[str]:
        """Claim the best jobs that count towards a target; returns their keys, jobs that waited here included."""
        in_flight, slots = self._in_flight, target.wanted + target.ahead
        claimed = self._store.claim(
            self._scheduler,
            slots // target.widths[0],
            machines=[target.slot_class],
            widths=target.widths,
            slots=slots,
            without=in_flight.not_claimed(),
            holding=list(in_flight.running),
        )
        for record in claimed:
            in_flight.waiting.pop(record.key, None)  # its place in the order may have changed
            in_flight.waiting[record.key] = record
            if (old := in_flight.running.get(record.key)) is not None:  # cancelled and ordered anew, or lost and back
                in_flight.drop(old)
        return {record.key for record in claimed}
