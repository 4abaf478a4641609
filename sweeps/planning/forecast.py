"""A sweep played through before it runs: its own driver on a store in memory, and the cluster's own policy on a virtual
clock. Results are made up, so the search goes on as it would, or are those of an earlier search over the same space;
what is finished in the real store is finished here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cluster.policy.policy import FreeSlots, Placement, Policy, Waiting
from cluster.policy.simulate import Simulation, Span, Totals
from cluster.scheduling.expectations import Expectations
from jobs.store import JobRecord, Store
from sweeps.planning.foresight import with_trials
from sweeps.planning.planned_store import PlannedStore
from sweeps.planning.precedent import precedent
from sweeps.spec.sweep import Sweep


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """How a sweep would go."""

    jobs: tuple[JobRecord, ...]
    """In the order in which the driver asks for them."""
    spans: Mapping[str, Span]
    """When and where each job that has to run would run."""
    refused: Mapping[str, str]
    """Jobs that the budget or the deadline would not let start, and why."""
    totals: Totals
    done: bool
    """Whether the sweep would come to its end."""


def play(
    sweep: Sweep,
    store: Store,
    nodes: Sequence[FreeSlots],
    seconds: Callable[[JobRecord], float],
    *,
    start_seconds: float = 0.0,
    learn: Callable[[JobRecord], None] = lambda job: None,
    expected: Expectations | None = None,
    policy: Policy | None = None,
) -> Forecast:
    """Play a sweep through on empty nodes.

    Args:
        sweep: what is planned.
        store: what is finished already; only read.
        nodes: the cluster.
        seconds: what a job takes on slots whose processes have started.
        start_seconds: what an evaluator's process takes to start, once for every slot.
        learn: told of every job that has ended, before what it makes possible is asked for.
        expected: what a scheduler would set aside for a job, by what it remembers; `seconds` if None.
        policy: the policy, with the sweep's limits.
    """
    before = precedent(sweep.spec, store)
    planned = PlannedStore(store, lambda: simulation.now, before)
    spec = replace(sweep.spec, search=None) if sweep.spec.search is None else with_trials(sweep.spec, before)
    driver = replace(sweep, spec=spec).driver(planned)
    started: set[tuple[str, int]] = set()

    def takes(job: Waiting, placement: Placement) -> float:
        cold = not job.gang and not {(placement.node, slot) for slot in placement.slots} <= started
        if not job.gang:
            started.update((placement.node, slot) for slot in placement.slots)
        return seconds(planned.planned[job.key]) + cold * start_seconds

    def look() -> list[Waiting]:
        """Let the driver look until a look changes nothing: each can tell only what the one before has asked."""
        before = -1
        while before != planned.changes:
            before = planned.changes
            snapshots[:] = [driver.step()]
        taken, planned.new = planned.new, []
        return [Waiting.of(one.key, one.order, simulation.now, at_most(one)) for one in taken]

    def at_most(job: JobRecord) -> float | None:
        estimate = seconds(job)  # asked for every job that has to run, whether it comes to it or not
        return estimate if expected is None else expected.seconds(job.order)

    def after(ended: list[Span]) -> list[Waiting]:
        for span in ended:
            done = planned.finish_with(span.job.key)
            learn(done)
            if expected is not None:
                expected.learn(done.order, span.end - span.start)
        return look()

    snapshots: list[Any] = []
    simulation = Simulation(nodes, takes, policy=policy or Policy())
    spans = {span.job.key: span for span in simulation.run(look(), after)}
    return Forecast(
        jobs=tuple(planned.planned.values()),
        spans=spans,
        refused=dict(simulation.policy.refused),
        totals=simulation.totals,
        done=snapshots[0].done,
    )
