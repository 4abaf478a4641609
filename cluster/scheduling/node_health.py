"""A cluster's nodes: those that are alive, less those that were set aside because job after job failed on them.

A node that jobs failed on is tried again after a while, with one job at a time until one ends well: what failed may
have been a file server that is back by now. Each time that it fails again it is set aside for twice as long. What
"golfsweep doctor" finds bad stays aside until that finds it good.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

from cluster.executor import Executor, Node
from cluster.policy.retry import NODE_STRIKES, strikes
from jobs.events import Failed
from jobs.store import NodeRecord, Store

ASIDE_SECONDS = 600.0
LONGEST_ASIDE_SECONDS = 4 * 3600.0


class NodeHealth:
    """Nodes of one cluster, as of the last look at it and at what the store knows of them."""

    def __init__(self, store: Store, executor: Executor, clock: Callable[[], float]) -> None:
        self._store, self._executor, self._clock = store, executor, clock
        self._strikes: dict[str, set[str]] = defaultdict(set)
        """By node, jobs in a row that failed by what may be its fault."""
        self.alive = executor.nodes()
        self._bad: dict[str, NodeRecord] = {}
        """Nodes that were set aside and not found good since."""

    def look(self) -> None:
        """See which nodes are alive."""
        self.alive = self._executor.nodes()

    def read_verdicts(self) -> None:
        """See which nodes were found unfit, here or by "golfsweep doctor"."""
        self._bad = {one.name: one for one in self._store.nodes(self._executor.cluster) if not one.good}

    def usable(self, busy: Collection[str]) -> list[Node]:
        """Nodes that are alive and not set aside; of those on trial the ones that are not busy."""
        return [
            node
            for node in self.alive
            if node.name not in self._bad or (self.on_trial(node.name) and node.name not in busy)
        ]

    def on_trial(self, node: str) -> bool:
        """Whether a node was set aside for a time that is over, and no job has ended well on it since."""
        bad = self._bad.get(node)
        return bad is not None and bad.until is not None and bad.until <= self._clock()

    def succeeded(self, node: str) -> None:
        """A job ended well on a node: what failed there before speaks against it no more."""
        self._strikes.pop(node, None)
        if self.on_trial(node):
            self._write(replace(self._bad[node], good=True, reason="", checked=self._clock(), until=None))

    def failed(self, node: str, key: str, event: Failed) -> None:
        """Set a node aside on which several jobs in a row failed by what may be its fault, unless it is the last."""
        if not strikes(event.failure):
            return
        self._strikes[node].add(key)
        enough = 1 if self.on_trial(node) else NODE_STRIKES
        good = {one.name: one for one in self.usable(busy=())}
        if len(self._strikes[node]) >= enough and node in good and len(good) > 1:
            self._set_aside(good[node], f"{event.failure}: {event.reason}")
            del self._strikes[node]

    def _set_aside(self, node: Node, last: str) -> None:
        now, before = self._clock(), self._bad.get(node.name)
        seconds = ASIDE_SECONDS
        if before is not None and before.until is not None:
            seconds = min(2 * (before.until - before.checked), LONGEST_ASIDE_SECONDS)
        again = datetime.fromtimestamp(now + seconds, UTC).isoformat(timespec="minutes")
        reason = f"{NODE_STRIKES} jobs in a row failed on it, the last: {last}; tried again at {again}"
        self._write(
            NodeRecord(
                cluster=self._executor.cluster, name=node.name, host=node.host, good=False, reason=reason, checked=now,
                until=now + seconds,
            )
        )  # fmt: skip

    def _write(self, verdict: NodeRecord) -> None:
        self._store.put_node(verdict)
        self.read_verdicts()
