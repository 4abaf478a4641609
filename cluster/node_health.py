"""A cluster's nodes: those that are alive, less those that were set aside because job after job failed on them."""

from collections import defaultdict
from collections.abc import Callable

from cluster.executor import Executor, Node
from cluster.retry import NODE_STRIKES, strikes
from jobs.events import Failed
from jobs.store import NodeRecord, Store


class NodeHealth:
    """Nodes of one cluster, as of the last look at it and at what the store knows of them."""

    def __init__(self, store: Store, executor: Executor, clock: Callable[[], float]) -> None:
        self._store, self._executor, self._clock = store, executor, clock
        self._strikes: dict[str, set[str]] = defaultdict(set)
        """By node, jobs in a row that failed by what may be its fault."""
        self.alive = executor.nodes()
        self._aside: frozenset[str] = frozenset()

    def look(self) -> None:
        """See which nodes are alive."""
        self.alive = self._executor.nodes()

    def read_verdicts(self) -> None:
        """See which nodes were found unfit, here or by "golfsweep doctor"."""
        self._aside = frozenset(one.name for one in self._store.nodes(self._executor.cluster) if not one.good)

    def usable(self) -> list[Node]:
        """Nodes that are alive and not set aside."""
        return [node for node in self.alive if node.name not in self._aside]

    def succeeded(self, node: str) -> None:
        """A job ended well on a node: what failed there before speaks against it no more."""
        self._strikes.pop(node, None)

    def failed(self, node: str, key: str, event: Failed) -> None:
        """Set a node aside on which several jobs in a row failed by what may be its fault, unless it is the last."""
        if not strikes(event.failure):
            return
        self._strikes[node].add(key)
        good = {one.name: one for one in self.usable()}
        if len(self._strikes[node]) >= NODE_STRIKES and node in good and len(good) > 1:
            reason = f"{NODE_STRIKES} jobs in a row failed on it, the last: {event.failure}: {event.reason}"
            self._store.put_node(
                NodeRecord(
                    cluster=self._executor.cluster, name=node, host=good[node].host, good=False, reason=reason,
                    checked=self._clock(),
                )
            )  # fmt: skip
            self.read_verdicts()
            del self._strikes[node]
