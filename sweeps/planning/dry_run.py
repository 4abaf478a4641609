"""A dry run of a sweep: its own driver on a store in memory, and the cluster's own policy on a virtual clock.

Jobs that are finished in the real store are finished here. All other results are made up, or are those of an earlier
search over the same space, so that the search goes on as it would.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.policy.policy import FreeSlots, Placement, Policy, PolicyJob
from cluster.policy.simulate import Simulation, Span, Totals
from cluster.scheduling.expectations import Expectations
from jobs.store import JobRecord, Store
from sweeps.driver.driver import Driver
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.planning.dry_run_store import DryRunStore
from sweeps.planning.earlier_search import earlier_trials
from sweeps.planning.expected_trials import with_expected_trials


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """How a sweep would go."""

    jobs: tuple[JobRecord, ...]
    """All its jobs, in the order in which the driver requests them."""
    spans: Mapping[str, Span]
    """By key, when and where each job that is not finished yet would run."""
    refused: Mapping[str, str]
    """By key, jobs that the budget or the deadline would not let start, and why."""
    totals: Totals
    done: bool
    """Whether the sweep would come to its end."""


def dry_run(
    sweep: Sweep,
    store: Store,
    nodes: Sequence[FreeSlots],
    seconds: Callable[[JobRecord], float],
    *,
    start_seconds: float = 0.0,
    learn: Callable[[JobRecord], None] = lambda job: None,
    expected: Expectations | None = None,
    policy: Policy | None = None,
) -> DryRun:
    """Run a sweep through on empty nodes.

    Args:
        sweep: the sweep.
        store: what is finished already; only read.
        nodes: the cluster.
        seconds: a job's duration on slots whose processes have started.
        start_seconds: how long a worker's process takes to start, once per slot.
        learn: called with every job that has ended, before the driver requests what builds on it.
        expected: the durations for which a scheduler would reserve budget; `seconds` if None.
        policy: the policy, with the sweep's limits.
    """
    earlier = earlier_trials(sweep.spec, store)
    dry_store = DryRunStore(store, lambda: simulation.now, sweep.spec.pipeline().scored, earlier)
    spec = replace(sweep.spec, search=None) if sweep.spec.search is None else with_expected_trials(sweep.spec, earlier)
    driving = _Driving(replace(sweep, spec=spec).driver(dry_store), dry_store)
    durations = _Durations(dry_store, seconds, start_seconds)

    def expected_seconds(job: JobRecord) -> float | None:
        estimate = seconds(job)  # for every job that has to run, whether or not it comes to it
        return estimate if expected is None else expected.seconds(job.order)

    def request() -> list[PolicyJob]:
        return [PolicyJob.of(job.key, job.order, simulation.now, expected_seconds(job)) for job in driving.request()]

    def after(ended: list[Span]) -> list[PolicyJob]:
        for span in ended:
            done = dry_store.finish(span.job.key)
            learn(done)
            if expected is not None:
                expected.learn(done.order, span.end - span.start)
        return request()

    simulation = Simulation(nodes, durations.of, policy=policy or Policy())
    spans = {span.job.key: span for span in simulation.run(request(), after)}
    return DryRun(
        jobs=tuple(dry_store.requested.values()),
        spans=spans,
        refused=dict(simulation.policy.refused),
        totals=simulation.totals,
        done=driving.snapshot is not None and driving.snapshot.done,
    )


@dataclass(slots=True)
class _Driving:
    """The driver on the store of the dry run."""

    driver: Driver
    store: DryRunStore
    snapshot: Snapshot | None = None

    def request(self) -> list[JobRecord]:
        """Step until nothing changes, since a step only reports what the last step requested; returns the new jobs."""
        before = -1
        while before != self.store.changes:
            before = self.store.changes
            self.snapshot = self.driver.step()
        return self.store.take_new()


@dataclass(slots=True)
class _Durations:
    """Durations of jobs on their slots: the first job of a worker also waits for its process to start."""

    store: DryRunStore
    seconds: Callable[[JobRecord], float]
    start_seconds: float
    started: set[tuple[str, int]] = field(default_factory=set)
    """Slots whose worker has started, by node."""

    def of(self, job: PolicyJob, placement: Placement) -> float:
        slots = {(placement.node, slot) for slot in placement.slots}
        cold = not job.gang and not slots <= self.started
        if not job.gang:
            self.started |= slots
        return self.seconds(self.store.requested[job.key]) + cold * self.start_seconds
