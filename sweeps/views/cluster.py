"""What a cluster does now, as plain data: what runs where, what waits, and what stands idle at what price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.budget import Budget
from jobs.store import NodeRecord, RunningAttempt, SchedulerRecord, Store, WaitingJobs


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterLoad:
    """A cluster with a live scheduler."""

    cluster: str
    host: str
    """Of its scheduler."""
    pid: int
    slots: int
    busy: int
    """Slots on which something runs."""
    dollars_per_hour: float | None
    """What runs now costs, by the prices of the sweeps that state one."""
    idle_dollars_per_hour: float | None
    """What the free slots would cost by the highest of those prices."""
    running: Sequence[RunningAttempt]


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepShare:
    """A running sweep's part of all clusters."""

    sweep: str
    slots: int
    """On which its jobs run."""
    share: float
    """Of all busy slots."""
    waiting: int
    priority: int | None
    """Of its most urgent waiting job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterState:
    """All clusters of a database."""

    clusters: Sequence[ClusterLoad]
    shares: Sequence[SweepShare]
    """Sweeps that have slots or wait for some."""
    nodes: Sequence[NodeRecord]


def read_clusters(store: Store) -> ClusterState:
    """Who runs what where, and what waits, as of now."""
    running, waiting = store.running_attempts(), store.waiting_jobs()
    named = {attempt.sweep for attempt in running if attempt.sweep}
    prices = {name: store.budget(name).dollars_per_gpu_hour for name in sorted(named)}
    clusters = [_measure(scheduler, running, prices) for scheduler in store.live_schedulers()]
    return ClusterState(clusters=clusters, shares=share_out(running, waiting), nodes=store.nodes())


def share_out(running: Sequence[RunningAttempt], waiting: Sequence[WaitingJobs]) -> list[SweepShare]:
    """How the busy slots are divided among sweeps, those with most first."""
    slots: dict[str, int] = {}
    for attempt in running:
        slots[attempt.sweep or "–"] = slots.get(attempt.sweep or "–", 0) + attempt.slots
    queued = {each.sweep: each for each in waiting}
    total = sum(slots.values())
    names = sorted({*slots, *queued}, key=lambda name: (-slots.get(name, 0), name))
    return [
        SweepShare(
            sweep=name,
            slots=slots.get(name, 0),
            share=slots.get(name, 0) / total if total else 0.0,
            waiting=queued[name].jobs if name in queued else 0,
            priority=queued[name].priority if name in queued else None,
        )
        for name in names
    ]


def _measure(
    scheduler: SchedulerRecord, running: Sequence[RunningAttempt], prices: Mapping[str, float | None]
) -> ClusterLoad:
    own = [attempt for attempt in running if attempt.cluster == scheduler.cluster]
    busy = sum(attempt.slots for attempt in own)
    known = [(attempt.slots, price) for attempt in own if (price := prices.get(attempt.sweep or "")) is not None]
    dearest = max((price for _, price in known), default=None)
    spent = [Budget(dollars_per_gpu_hour=price).cost(slots) or 0.0 for slots, price in known]
    return ClusterLoad(
        cluster=scheduler.cluster,
        host=scheduler.host,
        pid=scheduler.pid,
        slots=scheduler.slots,
        busy=busy,
        dollars_per_hour=sum(spent) if known else None,
        idle_dollars_per_hour=None if dearest is None else max(0, scheduler.slots - busy) * dearest,
        running=own,
    )
