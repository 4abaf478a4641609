"""What the scheduler takes from the store: no more than can start soon, and nothing for long.

A claim keeps a job from every other scheduler, and its slots from a better one that comes later. So a full cluster
holds none, and what has not started is chosen afresh at every look, against all that waits in the store.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cluster.executor import Node
from cluster.policy.policy import Free
from cluster.scheduling.placing import free
from cluster.scheduling.state.held import Held
from jobs.spec import Order
from jobs.store import Store

CLAIMED_AHEAD = 4
"""Jobs of one slot beyond the free slots, so that a slot that falls free need not wait for a claim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """How many slots of jobs of one class of machine, and of some widths, are worth holding."""

    kind: str
    widths: tuple[int, int]
    """The least and the most slots that a job has."""
    wanted: int
    """More is claimed when less than this is held."""
    ahead: int
    """What is claimed beyond."""

    def fits(self, order: Order) -> bool:
        """Whether a job is one of these."""
        least, most = self.widths
        return order.job.machine.slot_class == self.kind and least <= order.slots <= most


def rooms(kind: str, nodes: Sequence[Free]) -> Iterator[Room]:
    """Room on nodes of one class, for jobs of one slot and of several apart, so that neither keeps the other out.

    A node with a free slot may be drained for all the wide jobs that it holds when it is empty; there is room beside
    them for what its free slots hold, because that may run while it is drained.
    """
    opened = [node for node in nodes if node.slots]
    open_slots = sum(len(node.slots) for node in opened)
    wide = [node.capacity for node in opened if node.capacity > 1]
    if wide:
        yield Room(kind=kind, widths=(2, max(wide)), wanted=sum(wide), ahead=open_slots)
    if opened:
        yield Room(kind=kind, widths=(1, 1), wanted=open_slots, ahead=CLAIMED_AHEAD)


class Claiming:
    """One scheduler's claims; what waits of them is in `Held.waiting`."""

    def __init__(self, store: Store, held: Held, scheduler: str) -> None:
        self._store, self._held, self._scheduler = store, held, scheduler

    def claim(self, nodes: Sequence[Node], now: float, afresh: bool) -> None:
        """Take what there is room for.

        Args:
            nodes: all that may be used.
            now: the scheduler's time.
            afresh: whether all that waits is chosen again, or only so much more as there is room for.
        """
        chosen: set[str] = set()
        dropped = set(self._held.waiting) if afresh else set()
        for room in self._rooms(nodes, now):
            waiting = {key: job.order.slots for key, job in self._held.waiting.items() if room.fits(job.order)}
            if afresh or sum(waiting.values()) < room.wanted:
                dropped |= waiting.keys()
                chosen |= self._take(room)
        self.give_back(dropped - chosen)

    def give_back(self, keys: set[str]) -> None:
        """Let others have jobs that wait here."""
        if keys:
            self._store.release(sorted(keys), scheduler=self._scheduler)
            for key in keys:
                del self._held.waiting[key]

    def _rooms(self, nodes: Sequence[Node], now: float) -> Iterator[Room]:
        taken = self._held.taken(now)
        for kind in sorted({node.machine.slot_class for node in nodes}):
            mine = [node for node in nodes if node.machine.slot_class == kind]
            yield from rooms(kind, free(mine, taken, self._held.warm))

    def _take(self, room: Room) -> set[str]:
        """Keys of the best jobs that there is room for, of those that wait here and those that nobody holds."""
        held, slots = self._held, room.wanted + room.ahead
        found = self._store.claim(
            self._scheduler,
            slots // room.widths[0],
            machines=[room.kind],
            widths=room.widths,
            slots=slots,
            without=held.refused,
            holding=list(held.running),
        )
        for record in found:
            held.waiting.pop(record.key, None)  # it may have another place in the order now
            held.waiting[record.key] = record
            if (old := held.running.get(record.key)) is not None:  # cancelled and asked for again, or lost and got back
                held.drop(old)
        return {record.key for record in found}
