"""Slots of all nodes, indexed so that a decision costs the same on ten nodes and on a thousand.

Nodes of one slot class stand in buckets by their number of free slots. A bucket is a heap whose entries are checked
when they reach the top; a node stands in a bucket at most once, so the index does not grow.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from cluster.policy.kept_artifacts import KeptArtifacts
from cluster.policy.queues import Queue

UNKNOWN_SECONDS = 60.0
"""Jobs of unknown duration are expected to end one after another, this far apart: about one evaluation each."""


@dataclass(slots=True)
class NodeSlots:
    """One node: its free slots, and when the others are expected to fall free."""

    name: str
    slot_class: str | None
    capacity: int
    free: list[int]
    """In ascending order."""
    busy: dict[int, float | None]
    """Slot → when it is expected to fall free; None if unknown."""
    loaded: dict[int, KeptArtifacts] = field(default_factory=dict)
    """Slot → artifacts that its worker has loaded."""
    owner: Queue | None = None
    """The queue that the node is drained for."""
    ready: float = 0.0
    """When a drained node is expected to be empty enough."""

    def wait_for(self, slots: int, now: float) -> tuple[float, float]:
        """When that many slots will be free at once if nothing new starts, and the slot-seconds idle until then."""
        times = sorted([now] * len(self.free) + self._expected_ends(now))[:slots]
        return times[-1], sum(times[-1] - time for time in times)

    def choose(self, slots: int, artifact: str | None) -> tuple[int, ...]:
        """The free slots for a job; a one-slot job prefers a slot that has its artifact loaded."""
        if slots == 1 and artifact is not None:
            return (next((slot for slot in self.free if artifact in self.loaded.get(slot, ())), self.free[0]),)
        return tuple(self.free[:slots])

    def _expected_ends(self, now: float) -> list[float]:
        unknown = iter(range(1, self.capacity + 1))
        # An overdue job is expected to run on for as long as it is late already.
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
        """Number of nodes by slot class and capacity."""
        self._slots_with: dict[str, dict[tuple[str, int], None]] = defaultdict(dict)
        """Artifact → free slots that have it loaded."""
        self._drained: dict[str, NodeSlots] = {}

    def add(self, node: NodeSlots) -> None:
        """Add a node."""
        self.nodes[node.name] = node
        self.free += len(node.free)
        self._sizes[node.slot_class, node.capacity] += 1
        for slot in node.free:
            self._index_artifacts(node, slot)
        self._list(node)

    def remove(self, name: str) -> None:
        """Remove a node with all its slots, busy ones included."""
        node = self.nodes[name]
        self.free -= len(node.free)
        self._sizes[node.slot_class, node.capacity] -= 1
        for slot in node.free:
            self._unindex_artifacts(node, slot)
        if node.owner is not None:
            self.stop_drain(node)
        del self.nodes[name]

    def take(self, name: str, slots: Collection[int], end: float | None) -> None:
        """Mark free slots as busy until about `end`."""
        node = self.nodes[name]
        for slot in slots:
            node.free.remove(slot)
            node.busy[slot] = end
            self._unindex_artifacts(node, slot)
        self.free -= len(slots)
        self._list(node)

    def expect(self, name: str, slots: Collection[int], end: float) -> None:
        """Change when busy slots are expected to fall free."""
        busy = self.nodes[name].busy
        busy.update({slot: end for slot in slots if slot in busy})

    def load(self, name: str, slots: Collection[int], artifact: str) -> None:
        """Note that the workers of busy slots have loaded an artifact; each keeps the last few."""
        node = self.nodes[name]
        for slot in slots:
            node.loaded.setdefault(slot, KeptArtifacts()).use(artifact)

    def unload(self, name: str, slots: Collection[int]) -> None:
        """Note that the workers of busy slots have ended, and their artifacts with them."""
        for slot in slots:
            self.nodes[name].loaded.pop(slot, None)

    def give(self, name: str, slots: Collection[int]) -> None:
        """Mark busy slots as free."""
        node = self.nodes[name]
        given = [slot for slot in slots if slot in node.busy]
        for slot in given:
            del node.busy[slot]
            node.free.append(slot)
            self._index_artifacts(node, slot)
        node.free.sort()
        self.free += len(given)
        self._list(node)

    def start_drain(self, node: NodeSlots, queue: Queue, ready: float) -> None:
        """Drain a node for a queue's jobs until about `ready`."""
        node.owner, node.ready = queue, ready
        queue.drains[node.name] = None
        self._drained[node.name] = node

    def stop_drain(self, node: NodeSlots) -> None:
        """Stop draining a node."""
        assert node.owner is not None
        del node.owner.drains[node.name]
        node.owner = None
        del self._drained[node.name]
        self._list(node)

    def could_host(self, slot_class: str | None, slots: int) -> bool:
        """Whether any node could run a job if it were empty."""
        return any(
            count and capacity >= slots and serves(node_class, slot_class)
            for (node_class, capacity), count in self._sizes.items()
        )

    def with_artifact(self, artifact: str, slot_class: str | None, avoid: frozenset[str]) -> NodeSlots | None:
        """An undrained node with a free slot whose worker has an artifact loaded."""
        for name, _ in self._slots_with.get(artifact, ()):
            node = self.nodes[name]
            if node.owner is None and serves(node.slot_class, slot_class) and name not in avoid:
                return node
        return None

    def best_fit(self, slot_class: str | None, slots: int, avoid: frozenset[str]) -> NodeSlots | None:
        """The undrained node with the fewest free slots that are enough: emptier nodes stay whole."""
        best: tuple[int, str] | None = None
        for node_class, capacity in self._largest_nodes(slot_class):
            for free in range(slots, capacity + 1):
                top = self._top(node_class, free, avoid)
                if top is not None:
                    best = min(best or (free, top), (free, top))
                    break
        return None if best is None else self.nodes[best[1]]

    def drained(self) -> Iterator[NodeSlots]:
        """Drained nodes, the longest drained first."""
        return iter(self._drained.values())

    def drainable(self, slot_class: str | None, slots: int, avoid: frozenset[str]) -> Iterator[NodeSlots]:
        """Nodes that could be drained for that many slots."""
        return (
            node
            for node in self.nodes.values()
            if node.owner is None
            and node.capacity >= slots
            and serves(node.slot_class, slot_class)
            and node.name not in avoid
        )

    def _largest_nodes(self, slot_class: str | None) -> Iterator[tuple[str | None, int]]:
        """Slot classes that a job may run on, each with the capacity of its largest node."""
        largest: dict[str | None, int] = {}
        for (node_class, capacity), count in self._sizes.items():
            if count and serves(node_class, slot_class):
                largest[node_class] = max(capacity, largest.get(node_class, 0))
        return iter(largest.items())

    def _top(self, slot_class: str | None, free: int, avoid: frozenset[str]) -> str | None:
        """The first node by name with exactly that many free slots that is not avoided."""
        heap = self._buckets.get((slot_class, free), [])
        avoided: list[str] = []
        top: str | None = None
        while heap and top is None:
            node = self.nodes.get(heap[0])
            if node is None or len(node.free) != free or node.owner is not None or node.slot_class != slot_class:
                self._listed.discard((slot_class, free, heapq.heappop(heap)))
            elif node.name in avoid:
                avoided.append(heapq.heappop(heap))
            else:
                top = node.name
        for name in avoided:
            heapq.heappush(heap, name)
        return top

    def _list(self, node: NodeSlots) -> None:
        """Put a node into its bucket unless it stands there already."""
        free = len(node.free)
        entry = (node.slot_class, free, node.name)
        if free and node.owner is None and entry not in self._listed:
            self._listed.add(entry)
            heapq.heappush(self._buckets[node.slot_class, free], node.name)

    def _index_artifacts(self, node: NodeSlots, slot: int) -> None:
        for artifact in node.loaded.get(slot, ()):
            self._slots_with[artifact][node.name, slot] = None

    def _unindex_artifacts(self, node: NodeSlots, slot: int) -> None:
        for artifact in node.loaded.get(slot, ()):
            self._slots_with[artifact].pop((node.name, slot), None)
            if not self._slots_with[artifact]:
                del self._slots_with[artifact]


def serves(node_class: str | None, wanted: str | None) -> bool:
    """Whether a node's slot class suits a job: scores of two machine classes are never mixed."""
    return wanted is None or node_class is None or node_class == wanted
