"""Slots of all nodes, indexed so that a decision costs the same on ten nodes and on a thousand.

Nodes of one device stand in buckets by how many of their slots are free; a bucket is a heap whose entries are checked
when they come up, and a node stands in a bucket at most once, so the index does not grow.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cluster.policy.kept_artifacts import KeptArtifacts
from cluster.policy.queues import Lane

UNKNOWN_SECONDS = 60.0
"""Slots whose jobs nothing is known about are taken to fall free one after another, so far apart: an evaluation."""


@dataclass(slots=True)
class NodeSlots:
    """One node: its free slots, and when the others are expected to be."""

    name: str
    device: str | None
    capacity: int
    free: list[int]
    """In ascending order."""
    busy: dict[int, float | None]
    """Slot → when it is expected to fall free; None where nothing is known."""
    warm: dict[int, KeptArtifacts] = field(default_factory=dict)
    """Slot → artifacts that its worker has loaded."""
    owner: Lane | None = None
    """Whose jobs the node is drained for."""
    ready: float = 0.0
    """When it is expected to be, if it is drained."""

    def drain(self, slots: int, now: float) -> tuple[float, float]:
        """When so many slots are free at once, and the slot-seconds that they stand idle until then, if kept free."""
        times = sorted([now] * len(self.free) + self._ends(now))[:slots]
        return times[-1], sum(times[-1] - time for time in times)

    def choose(self, slots: int, artifact: str | None) -> tuple[int, ...]:
        """The free slots for a job, for one slot one that has its artifact loaded if there is any."""
        if slots == 1 and artifact is not None:
            return (next((slot for slot in self.free if artifact in self.warm.get(slot, ())), self.free[0]),)
        return tuple(self.free[:slots])

    def _ends(self, now: float) -> list[float]:
        unknown = iter(range(1, self.capacity + 1))
        # What is overdue is expected to take as long again as it is late.
        return [
            now + (UNKNOWN_SECONDS * next(unknown) if end is None else abs(end - now)) for end in self.busy.values()
        ]


class Capacity:
    """Which slots of which nodes are free."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeSlots] = {}
        self.free = 0
        """Free slots of all nodes."""
        self._buckets: dict[tuple[str | None, int], list[str]] = defaultdict(list)
        self._listed: set[tuple[str | None, int, str]] = set()
        self._sizes: Counter[tuple[str | None, int]] = Counter()
        """Nodes by device and capacity."""
        self._warm: dict[str, dict[tuple[str, int], None]] = defaultdict(dict)
        """Artifact → free slots that have it loaded."""
        self._drained: dict[str, NodeSlots] = {}

    def add(self, node: NodeSlots) -> None:
        """A node appears."""
        self.nodes[node.name] = node
        self.free += len(node.free)
        self._sizes[node.device, node.capacity] += 1
        for slot in node.free:
            self._heat(node, slot)
        self._list(node)

    def remove(self, name: str) -> None:
        """A node is gone, and nothing runs there any more."""
        node = self.nodes[name]
        self.free -= len(node.free)
        self._sizes[node.device, node.capacity] -= 1
        for slot in node.free:
            self._cool(node, slot)
        if node.owner is not None:
            self.release(node)
        del self.nodes[name]

    def take(self, name: str, slots: tuple[int, ...], end: float | None) -> None:
        """Free slots turn busy, expectedly until `end`."""
        node = self.nodes[name]
        for slot in slots:
            node.free.remove(slot)
            node.busy[slot] = end
            self._cool(node, slot)
        self.free -= len(slots)
        self._list(node)

    def give(self, name: str, slots: tuple[int, ...], artifact: str | None = None) -> None:
        """Busy slots fall free; an evaluator keeps the artifact of its last job, a gang leaves none behind."""
        node = self.nodes[name]
        for slot in slots:
            del node.busy[slot]
            node.free.append(slot)
            if artifact is None:
                node.warm.pop(slot, None)
            else:
                node.warm.setdefault(slot, KeptArtifacts()).use(artifact)
            self._heat(node, slot)
        node.free.sort()
        self.free += len(slots)
        self._list(node)

    def reserve(self, node: NodeSlots, lane: Lane, ready: float) -> None:
        """Drain a node for a lane's jobs until `ready`."""
        node.owner, node.ready = lane, ready
        lane.drains[node.name] = None
        self._drained[node.name] = node

    def release(self, node: NodeSlots) -> None:
        """Stop draining a node."""
        assert node.owner is not None
        del node.owner.drains[node.name]
        node.owner = None
        del self._drained[node.name]
        self._list(node)

    def hosts(self, device: str | None, slots: int) -> bool:
        """Whether any node, were it empty, could run a job."""
        return any(
            count and capacity >= slots and serves(there, device) for (there, capacity), count in self._sizes.items()
        )

    def warm(self, artifact: str, device: str | None, avoid: frozenset[str]) -> NodeSlots | None:
        """A node that is not drained with a free slot whose evaluator has an artifact loaded."""
        for name, _ in self._warm.get(artifact, ()):
            node = self.nodes[name]
            if node.owner is None and serves(node.device, device) and name not in avoid:
                return node
        return None

    def tightest(self, device: str | None, slots: int, avoid: frozenset[str]) -> NodeSlots | None:
        """The node with the fewest free slots that are enough, drained ones aside: it keeps emptier ones whole."""
        found: tuple[int, str] | None = None
        for there, capacity in self._shapes(device):
            for free in range(slots, capacity + 1):
                top = self._top(there, free, avoid)
                if top is not None:
                    found = min(found or (free, top), (free, top))
                    break
        return None if found is None else self.nodes[found[1]]

    def drained(self) -> Iterator[NodeSlots]:
        """Nodes that are drained, the longest first."""
        return iter(self._drained.values())

    def drainable(self, device: str | None, slots: int, avoid: frozenset[str]) -> Iterator[NodeSlots]:
        """Nodes that could be drained for so many slots."""
        return (
            node
            for node in self.nodes.values()
            if node.owner is None and node.capacity >= slots and serves(node.device, device) and node.name not in avoid
        )

    def _shapes(self, device: str | None) -> Iterator[tuple[str | None, int]]:
        """Devices that a job may run on, each with its largest node's slots."""
        largest: dict[str | None, int] = {}
        for (there, capacity), count in self._sizes.items():
            if count and serves(there, device):
                largest[there] = max(capacity, largest.get(there, 0))
        return iter(largest.items())

    def _top(self, device: str | None, free: int, avoid: frozenset[str]) -> str | None:
        """The first node by name that has just so many free slots, and is not to be avoided."""
        heap = self._buckets.get((device, free), [])
        passed: list[str] = []
        found: str | None = None
        while heap and found is None:
            node = self.nodes.get(heap[0])
            if node is None or len(node.free) != free or node.owner is not None or node.device != device:
                self._listed.discard((device, free, heapq.heappop(heap)))
            elif node.name in avoid:
                passed.append(heapq.heappop(heap))
            else:
                found = node.name
        for name in passed:
            heapq.heappush(heap, name)
        return found

    def _list(self, node: NodeSlots) -> None:
        """Put a node into the bucket where it belongs now, unless it stands there already."""
        free = len(node.free)
        entry = (node.device, free, node.name)
        if free and node.owner is None and entry not in self._listed:
            self._listed.add(entry)
            heapq.heappush(self._buckets[node.device, free], node.name)

    def _heat(self, node: NodeSlots, slot: int) -> None:
        for artifact in node.warm.get(slot, ()):
            self._warm[artifact][node.name, slot] = None

    def _cool(self, node: NodeSlots, slot: int) -> None:
        for artifact in node.warm.get(slot, ()):
            self._warm[artifact].pop((node.name, slot), None)
            if not self._warm[artifact]:
                del self._warm[artifact]


def serves(there: str | None, wanted: str | None) -> bool:
    """Whether a node's device will do for a job: a score of one machine class is not mixed with another's."""
    return wanted is None or there is None or there == wanted


def node_slots(
    name: str,
    capacity: int,
    free: tuple[int, ...],
    *,
    device: str | None = None,
    ends: Mapping[int, float] | None = None,
    warm: Mapping[int, frozenset[str]] | None = None,
) -> NodeSlots:
    """A node as it is found."""
    busy = {slot: (ends or {}).get(slot) for slot in range(capacity) if slot not in free}
    kept = {slot: KeptArtifacts(sorted(artifacts)) for slot, artifacts in (warm or {}).items()}
    return NodeSlots(name=name, device=device, capacity=capacity, free=sorted(free), busy=busy, warm=kept)
