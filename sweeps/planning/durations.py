"""What a job takes, from what jobs like it took: seconds = overhead + work / rate.

Where no job like it has run, short jobs that were timed on the machine say it (`sweeps.speed`), else its nominal
figures, else the job's own time limit.

Each stage counts the work of its jobs (`Stage.work`): operations, weights, the budget of an audit. The rate is the
median of the nearest finished jobs on the job's own clocks, and the overhead, everything that is on none of them, the
median of their stage. A worker's first job also waits for its process to start; that shows in a scheduler's history as
its longest overhead.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, get_args

from jobs.spec import Job, Order
from jobs.stages.registry import stage_of
from jobs.stages.script import PREFIX
from jobs.store import JobRecord
from sweeps.planning.similar_jobs import SimilarJobs
from sweeps.spec.kind import AnyRecipe
from sweeps.spec.settings import flatten
from sweeps.speed.estimates import SpeedEstimates

PEERS = 9
"""Finished jobs whose rates count, at most: the latest of those that differ in the fewest settings."""
ATTEMPT = "attempt"
"""Stands for the clock of a stage that has none of its own: the wall time of the whole attempt."""


Source = Literal["history", "measured", "guess", "limit"]
SOURCES: tuple[Source, ...] = get_args(Source)
"""The surest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a job is expected to take."""

    seconds: float | None
    """On slots whose processes are there already; None where nothing is known."""
    source: Source | None
    """"history": of jobs like it; "measured": by short jobs; "guess": by nominal figures; "limit": no more than its own
    time limit is known."""


class Durations:
    """Estimates from finished jobs of one machine class."""

    def __init__(
        self,
        done: Iterable[JobRecord],
        device: str,
        lengths: Callable[[str], Sequence[int]],
        scheduler_of: Mapping[str, str],
        apart: Mapping[str, Collection[str]] | None = None,
        speed: SpeedEstimates | None = None,
    ) -> None:
        """Learn from what is done.

        Args:
            done: finished jobs, oldest first.
            device: the device model that the estimates are for; other devices' jobs say nothing.
            lengths: predictions of every document of a split, "tune" or "val".
            scheduler_of: the scheduler that ran a finished job, by its key.
            apart: by stage, dotted names of settings that make a job another one, such as those that a search's
                proxy changes: jobs that differ in one say nothing of each other.
            speed: of the machine, where no finished job says anything; None to say no more than time limits then.
        """
        self._lengths = lengths
        self._models: dict[str, Mapping[str, Any]] = {}
        self._done = [job for job in done if job.seconds is not None and job.order.job.machine.device == device]
        self._apart, self._speed = apart or {}, speed
        by_group: dict[tuple[Any, ...], list[JobRecord]] = defaultdict(list)
        for job in self._done:
            self.learn(job.order.job, job.outputs or {})
            by_group[self._group(job.order)].append(job)
        self._nearest = {group: SimilarJobs(jobs, ignoring=("seed", "inputs")) for group, jobs in by_group.items()}
        self._overheads = {group: [_overhead(job) for job in jobs] for group, jobs in by_group.items()}
        self.start_seconds = self._start_seconds(scheduler_of)
        if not self._done and speed is not None:
            self.start_seconds = speed.start_seconds

    def learn(self, job: Job, outputs: Mapping[str, Any]) -> None:
        """Remember which models a finished job's artifacts hold; an evaluation's settings do not say it."""
        self._models.update(stage_of(job).models_made(job, outputs))

    def model(self, artifact: str) -> Mapping[str, Any] | None:
        """Settings of the model that an artifact holds; None where no finished job tells."""
        return self._models.get(artifact)

    def lengths(self, documents: Mapping[str, Any]) -> tuple[int, ...]:
        """Predictions of each of the documents that a job's settings name."""
        last = None if documents["count"] is None else documents["first"] + documents["count"]
        return tuple(self._lengths(documents["split"])[documents["first"] : last])

    def of(self, order: Order) -> Estimate:
        """What a job takes."""
        job, stage, group = order.job, stage_of(order.job), self._group(order)
        nearest = self._nearest.get(group)
        if nearest is None:
            return self._without_history(order)
        peers = nearest.alike(job, PEERS)
        work = [median(self._scaled(peer, clock, order) for peer in peers) for clock in _clocks(peers[0])]
        own = stage.bound_seconds(job, sum(work))
        return Estimate(seconds=median(self._overheads[group]) + own, source="history")

    def _without_history(self, order: Order) -> Estimate:
        """What a job takes where no finished one is like it."""
        if self._speed is not None:
            if (seconds := self._speed.measured(order, self)) is not None:
                return Estimate(seconds=seconds, source="measured")
            if (seconds := self._speed.guessed(order, self)) is not None:
                return Estimate(seconds=seconds, source="guess")
        limit = stage_of(order.job).limit_seconds(order, self)
        return Estimate(seconds=limit, source=None if limit is None else "limit")

    def _group(self, order: Order) -> tuple[Any, ...]:
        """What a job shares with those whose times say something of its own; hashable."""
        stage = stage_of(order.job)
        names = sorted(self._apart.get(stage.name, ()))
        settings = flatten(order.job.settings) if names else {}
        values = json.dumps([settings.get(name) for name in names])
        return (stage.name, *stage.duration_group(order), values)

    def _scaled(self, peer: JobRecord, clock: str, order: Order) -> float:
        """What a clock of a finished job would have shown for an order's work; as it did where either is not known."""
        stage = stage_of(order.job)
        own, work = stage.work(peer.order, clock, self), stage.work(order, clock, self)
        return _clocks(peer)[clock] * (work / own if work and own else 1.0)

    def _start_seconds(self, scheduler_of: Mapping[str, str]) -> float:
        """Start of a worker's process: by how much the longest overhead of a scheduler's history is over others."""
        longest: dict[str, float] = defaultdict(float)
        usual = {group: median(overheads) for group, overheads in self._overheads.items()}
        for job in self._done:
            stage = stage_of(job.order.job)
            if not stage.is_gang and job.key in scheduler_of:
                excess = _overhead(job) - usual[self._group(job.order)]
                longest[scheduler_of[job.key]] = max(excess, longest[scheduler_of[job.key]])
        return max(0.0, median(longest.values())) if longest else 0.0


def settings_of_proxy(recipe: AnyRecipe) -> dict[str, set[str]]:
    """By stage, dotted names of its jobs' settings that are others in a search than for an entry."""
    whole, cheap = flatten(recipe.settings()), flatten(recipe.for_trials().settings())
    names: dict[str, set[str]] = defaultdict(set)
    for name in whole.keys() | cheap.keys():
        stage, _, setting = name.removeprefix(PREFIX).partition(".")
        if name.startswith(PREFIX) and whole.get(name) != cheap.get(name):
            names[PREFIX + stage].add(setting)
    return dict(names)


def _clocks(job: JobRecord) -> dict[str, float]:
    """Seconds of a finished job's work, by clock; of the whole attempt where it lacks a clock of its stage."""
    assert job.outputs is not None and job.seconds is not None
    shown, names = job.outputs.get("clocks", {}), stage_of(job.order.job).clocks
    if names and shown.keys() >= set(names):
        return {name: float(shown[name]) for name in names}
    return dict.fromkeys(names, 0.0) | {next(iter(names), ATTEMPT): job.seconds}


def _overhead(job: JobRecord) -> float:
    assert job.seconds is not None
    return max(0.0, job.seconds - sum(_clocks(job).values()))
