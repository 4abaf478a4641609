"""A sweep played through before it runs: its own driver on a store in memory, and the cluster's own policy on a virtual
clock. Results are made up, so the search goes on as it would; what is finished in the real store is finished here.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import RandomSampler

from cluster.policy import Free, Placement, Policy, Waiting
from cluster.simulate import Simulation, Span, Totals
from jobs.spec import Order
from jobs.state import JobState
from jobs.store import JobRecord, Store, SweepRecord, TrialRecord
from sweeps.driver import search_of
from sweeps.file import SweepSpec
from sweeps.recipe import STAGES
from sweeps.search import Search, points
from sweeps.space import Parameter
from sweeps.stages import Stages
from sweeps.sweep import Sweep

COMBINATIONS = 10_000
"""Combinations of earlier stages' settings that a plan tells apart."""


class PlannedStore(Store):
    """As much of a store as a driver needs, in memory: it begins with what the real one has finished."""

    def __init__(self, real: Store, now: Callable[[], float]) -> None:
        self.finished = {job.key: job for job in real.jobs(states=[JobState.DONE])}
        """Jobs of the real store that need not run again."""
        self.planned: dict[str, JobRecord] = {}
        """Jobs that the driver has asked for."""
        self.new: list[JobRecord] = []
        """Of these, the ones that have yet to run and nobody has taken."""
        self.changes = 0
        self._now = now
        self._trials = real.trials
        self._told: dict[int, TrialRecord] = {}
        self._scored: dict[str, int] = {}

    def sweep(self, name: str) -> SweepRecord | None:
        """A sweep that is planned was not started."""
        return None

    def jobs(self, sweep: str | None = None, states: Iterable[JobState] | None = None) -> list[JobRecord]:
        """All jobs that the driver has asked for."""
        return list(self.planned.values())

    def put_job(self, order: Order) -> JobRecord:
        """Take an order: finished already, or to be run."""
        key = order.job.key
        if key not in self.planned:
            self.changes += 1
            real = self.finished.get(key)
            if real is not None:
                self.planned[key] = replace(real, order=order)
            else:
                self.planned[key] = _queued(key, order, self._now())
                self.new.append(self.planned[key])
        return self.planned[key]

    def finish_with(self, key: str) -> JobRecord:
        """A job ends with a result that is made up."""
        self.changes += 1
        record = self.planned[key]
        done = replace(record, state=JobState.DONE, outputs=self._made_up(record), fraction=1.0, finished=self._now())
        self.planned[key] = done
        return done

    def trials(self, sweep: str, search: str) -> list[TrialRecord]:
        """Trials that were drawn for real, and what was told since.

        What is known of a real one is told anew, from its finished jobs, so that these are planned and found.
        """
        real = {trial.number: trial for trial in self._trials(sweep, search)}
        real |= {n: replace(one, state="running", value=None) for n, one in real.items() if one.state == "complete"}
        return [trial for _, trial in sorted((real | self._told).items())]

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None:
        """Keep a trial."""
        self.changes += 1
        self._told[trial.number] = trial

    def _made_up(self, record: JobRecord) -> Mapping[str, Any]:
        """Outputs of any kind of job. Of several artifacts each has its best score first, so that a search's winners
        differ in all that can differ, and no plan counts too few trainings for them."""
        digest = hashlib.sha256(f"made up by {record.key}".encode()).hexdigest()
        artifact = record.order.job.inputs.get("artifact", "")
        self._scored[artifact] = self._scored.get(artifact, 0) + 1
        return {
            "weights": digest,
            "artifact": digest,
            "scores": digest,
            "nll": float(self._scored[artifact]),
            "bytes": 1,
        }


class _Remembered:
    """Stages that build each order once: a driver that is played through looks again after every job."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def __getattr__(self, name: str) -> Any:
        method = cache(getattr(self._stages, name))
        setattr(self, name, method)
        return method


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
    nodes: Sequence[Free],
    seconds: Callable[[JobRecord], float],
    *,
    start_seconds: float = 0.0,
    learn: Callable[[JobRecord], None] = lambda job: None,
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
        policy: the policy, with the sweep's limits.
    """
    planned = PlannedStore(store, lambda: simulation.now)
    spec = replace(sweep.spec, search=None) if sweep.spec.search is None else with_trials(sweep.spec)
    driver = replace(sweep, spec=spec).driver(planned)
    driver.stages = cast(Stages, _Remembered(driver.stages))
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
        return [Waiting.of(one.key, one.order, simulation.now, seconds(one)) for one in taken]

    def after(ended: list[Span]) -> list[Waiting]:
        for span in ended:
            learn(planned.finish_with(span.job.key))
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


def with_trials(spec: SweepSpec) -> SweepSpec:
    """A sweep whose trials are all given instead of drawn.

    Of grid and random search they are the very ones that will be drawn. Of a search that learns they are a guess that
    goes through all combinations of settings that decide earlier stages, so that none is forgotten.
    """
    assert spec.search is not None
    search = search_of(spec)
    if search.sampler == "grid":
        drawn = [search.ask(number, {}, {}) for number in range(search.trials)]
    else:
        combinations = itertools.cycle([{}] if search.sampler == "random" else _combinations(spec, search))
        drawn = [dict(given) for given in search.first]
        drawn += [_draw(search, number) | next(combinations) for number in range(len(drawn), search.trials)]
    return replace(spec, search=replace(spec.search, first=tuple(drawn)))


def _draw(search: Search, number: int) -> dict[str, Any]:
    """The parameters that a random search draws; it looks at nothing but its seed."""
    sampler = RandomSampler(seed=search.seed_of(number))
    blank: Any = None
    return {
        name: sampler.sample_independent(blank, blank, name, kind) for name, kind in search.distributions.items()
    }  # fmt: skip


def _combinations(spec: SweepSpec, search: Search) -> list[dict[str, Any]]:
    """Combinations of discrete settings that decide a job before the evaluation, in an order of chance.

    Those that the file's own first trials have come last.
    """
    assert spec.search is not None
    earlier = {
        name: points(kind)
        for name, kind in search.distributions.items()
        if is_discrete(kind) and stage_of(spec.search.space[name]) != "eval"
    }
    product = itertools.islice(itertools.product(*earlier.values()), COMBINATIONS)
    found = [dict(zip(earlier, values, strict=True)) for values in product]
    random.Random(search.seed).shuffle(found)
    given = [{name: first[name] for name in earlier} for first in search.first]
    return sorted(found, key=lambda one: one in given)


def counts_at_most(spec: SweepSpec, kind: str) -> bool:
    """Whether a plan can count a kind of job only up to a bound.

    So it is where trials can share one: where everything that varies up to its stage has a finite number of values.
    """
    if spec.search is None:
        return False
    until = [*STAGES][: [*STAGES].index(kind) + 1] if kind in STAGES else [*STAGES]
    varied = [one.distribution for one in spec.search.space.values() if stage_of(one) in until]
    return bool(varied) and all(is_discrete(distribution) for distribution in varied)


def stage_of(parameter: Parameter) -> str:
    """The stage whose setting a parameter is."""
    return parameter.setting.partition(".")[0]


def is_discrete(distribution: BaseDistribution) -> bool:
    """Whether a parameter has finitely many values."""
    return not isinstance(distribution, FloatDistribution) or distribution.step is not None


def _queued(key: str, order: Order, now: float) -> JobRecord:
    return JobRecord(
        key=key, order=order, state=JobState.QUEUED, created=now, failures=0, claimed_by=None, attempt=0, fraction=0.0,
        note="", checkpoint=None, outputs=None, reason=None, finished=None, seconds=None,
    )  # fmt: skip
