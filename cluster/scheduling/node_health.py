"""Node health: nodes on which several jobs in a row failed, or that are too slow, are quarantined.

The quarantine is counted by a clock that nobody sets; the time in the store tells people, and the next scheduler, how
much of it is left. After it a node is on trial: it gets one job at a time until one ends well, because the cause (say,
a file server) may be gone. Each new failure doubles the quarantine. A node that "golfsweep doctor" found bad stays
quarantined until doctor finds it good.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

from cluster.executor import Executor, Node
from cluster.policy.retry import NODE_STRIKES, strikes
from cluster.scheduling.step_rates import StepRates
from jobs.events import Failed
from jobs.spec import Job
from jobs.store import NodeRecord, Store

QUARANTINE_SECONDS = 600.0
LONGEST_QUARANTINE_SECONDS = 4 * 3600.0


class NodeHealth:
    """Nodes of one cluster, as of the last look at the cluster and at the store's verdicts."""

    def __init__(
        self, store: Store, executor: Executor, clock: Callable[[], float], ticks: Callable[[], float]
    ) -> None:
        self._store, self._executor, self._clock, self._ticks = store, executor, clock, ticks
        self._strikes: dict[str, set[str]] = defaultdict(set)
        """Node → jobs in a row that failed there in a way that may be the node's fault."""
        self._rates = StepRates()
        self.alive = executor.nodes()
        self._bad: dict[str, NodeRecord] = {}
        """Quarantined nodes, those on trial included."""
        self._ends: dict[NodeRecord, float] = {}
        """When each quarantine that ends by itself does, by `ticks`."""

    def look(self) -> None:
        """Update which nodes are alive."""
        self.alive = self._executor.nodes()

    def read_verdicts(self) -> None:
        """Update which nodes are quarantined, by this scheduler or by "golfsweep doctor"."""
        self._bad = {node.name: node for node in self._store.nodes(self._executor.cluster) if not node.good}
        self._ends = {node: self._ends.get(node) or self._end(node) for node in self._bad.values()}

    def usable(self, busy: Collection[str]) -> list[Node]:
        """Nodes that are alive and not quarantined; of those on trial, the ones that are not busy."""
        return [
            node
            for node in self.alive
            if node.name not in self._bad or (self.on_trial(node.name) and node.name not in busy)
        ]

    def on_trial(self, node: str) -> bool:
        """Whether a node's quarantine is over, but no job has ended well on it since."""
        bad = self._bad.get(node)
        return bad is not None and self._ends[bad] <= self._ticks()

    def _end(self, node: NodeRecord) -> float:
        """When a quarantine ends that was just read: at most its own length from now, whatever the clock shows."""
        if node.until is None:
            return math.inf
        return self._ticks() + min(max(0.0, node.until - self._clock()), node.until - node.checked)

    def succeeded(self, node: str) -> None:
        """A job ended well on a node: earlier failures no longer count against it."""
        self._strikes.pop(node, None)
        if self.on_trial(node):
            self._write(replace(self._bad[node], good=True, reason="", checked=self._clock(), until=None))

    def failed(self, node: str, key: str, event: Failed) -> None:
        """Quarantine a node after several such failures in a row, unless it is the last usable one."""
        if not strikes(event.failure):
            return
        self._strikes[node].add(key)
        enough = 1 if self.on_trial(node) else NODE_STRIKES
        good = {node.name: node for node in self.usable(busy=())}
        if len(self._strikes[node]) >= enough and node in good and len(good) > 1:
            last = f"{event.failure}: {event.reason}"
            self._quarantine(good[node], f"{NODE_STRIKES} jobs in a row failed on it, the last: {last}")
            del self._strikes[node]

    def too_slow(self, node: str, job: Job, steps_per_second: float) -> str | None:
        """Quarantine a node on which a job takes fewer steps than others like it, unless it is the last usable one.

        Returns:
            Why the job is to go elsewhere; None if it may stay.
        """
        reason = self._rates.note(job, node, steps_per_second)
        good = {node.name: node for node in self.usable(busy=())}
        if reason is None or node not in good or len(good) == 1:
            return None
        self._quarantine(good[node], reason)
        return reason

    def _quarantine(self, node: Node, why: str) -> None:
        now, before = self._clock(), self._bad.get(node.name)
        seconds = QUARANTINE_SECONDS
        if before is not None and before.until is not None:
            seconds = min(2 * (before.until - before.checked), LONGEST_QUARANTINE_SECONDS)
        retry = datetime.fromtimestamp(now + seconds, UTC).isoformat(timespec="minutes")
        reason = f"{why}; retried at {retry}"
        self._write(
            NodeRecord(
                cluster=self._executor.cluster, name=node.name, host=node.host, good=False, reason=reason, checked=now,
                until=now + seconds,
            )
        )  # fmt: skip

    def _write(self, verdict: NodeRecord) -> None:
        self._store.put_node(verdict)
        self.read_verdicts()
