"""The plan of a sweep: its jobs, which of them are finished, and how long the rest will take and what it will cost.

Counts and times come from a dry run (`sweeps.planning.dry_run`) with the durations of similar finished jobs, or else of
short jobs that were timed on the machine, or else with a guess (`sweeps.planning.durations`). A plan says on which of
these it rests, and how far off it may be; stages of unknown duration take no time here, and are named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from cluster.policy.policy import FreeSlots, Policy
from cluster.policy.simulate import Machines
from cluster.scheduling.expectations import Expectations
from golf.errors import InputError
from jobs.scripts.source.checking import LAUNCHER_NAMES
from jobs.spec import Machine
from jobs.stages.stage import title_of
from jobs.state import JobState
from jobs.store import JobRecord, Store
from sweeps.driver.sweep import Sweep
from sweeps.planning.certainty import Certainty
from sweeps.planning.dry_run import DryRun, dry_run
from sweeps.planning.durations import SOURCES, Durations, Estimate, Source, settings_of_proxy
from sweeps.planning.expected_trials import counts_at_most
from sweeps.planning.similar_jobs import SimilarJobs, differences, explain
from sweeps.planning.size import check_size
from sweeps.spec.dataset import DataSet, document_lengths
from sweeps.speed.estimates import SpeedEstimates
from sweeps.speed.samples import NOT_MEASURED, Speed
from sweeps.statistics.double_sampling import PUBLIC_CORRELATION, cheapest_mix

HOUR = 3600.0
HISTORY = 1000
"""Number of finished jobs, the latest, from which durations are estimated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobReason:
    """Why a job is reused or new."""

    text: str
    nearest: str | None = None
    """Key of the nearest finished job of its stage, for a new job."""
    differs: tuple[str, ...] = ()
    """Parts of the key in which the two differ."""
    is_first: bool = False
    """Whether it is new, and no job of its stage is finished."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepPlan:
    """A sweep as it would go on a cluster."""

    sweep: Sweep
    nodes: Sequence[FreeSlots]
    dry_run: DryRun
    estimates: Mapping[str, Estimate]
    """Estimated duration of each job that has to run, by key."""
    reasons: Mapping[str, JobReason]
    """By key."""
    speed: Speed = NOT_MEASURED
    """What was measured of the machine."""
    assumed: tuple[str, ...] = ()
    """What the plan assumes without having seen it, a sentence each."""

    def is_known(self) -> bool:
        """Whether history tells how long each job takes that has to run."""
        return all(estimate.source == "history" for estimate in self.estimates.values())

    def certainty(self) -> Certainty:
        """How far off the plan may be."""
        work: dict[Source, float] = dict.fromkeys(SOURCES, 0.0)
        for key, span in self.dry_run.spans.items():
            if (source := self.estimates[key].source) is not None:
                work[source] += len(span.slots) * (span.end - span.start)
        return Certainty.of(work)

    def stages(self) -> dict[str, str]:
        """What a person calls the stage of every job, by its key."""
        return {job.key: title_of(job.order.job.stage) for job in self.dry_run.jobs}

    def to_json(self) -> dict[str, Any]:
        """As `golfsweep plan --json` prints it; unknown values are null."""
        names = dict.fromkeys(job.order.job.stage for job in self.dry_run.jobs)
        stages = {title_of(name): self._stage(name) for name in names}
        hours = [stage["slot_hours"] for stage in stages.values() if stage["slot_hours"] is not None]
        total = sum(hours) if hours else None
        price = self.sweep.spec.budget.dollars_per_gpu_hour
        totals, certainty = self.dry_run.totals, self.certainty()
        seconds = None if total is None else totals.seconds
        dollars = None if total is None or price is None else total * price
        return {
            "name": self.sweep.spec.name,
            "nodes": len(self.nodes),
            "slots": sum(node.capacity for node in self.nodes),
            "stages": stages,
            "gpu_hours": total,
            "seconds": seconds,
            "dollars": dollars,
            "range": {
                "gpu_hours": certainty.range(total),
                "seconds": certainty.range(seconds),
                "dollars": certainty.range(dollars),
            },
            "basis": {**certainty.shares, "measured_seconds": self.speed.seconds or None},
            "device": self.sweep.machine.device,
            "data": self._data(),
            "assumed": list(self.assumed),
            "utilization": totals.utilization if totals.seconds else None,
            "idle_share": totals.idle_share if totals.waited else None,
            "unknown": [name for name, stage in stages.items() if stage["slot_hours"] is None],
            "seed_mix": self._mix_seeds(stages),
            "complete": self.dry_run.done,
            "jobs": [self._job(job) for job in self.dry_run.jobs],
            **({} if self.sweep.code is None else {"unset": self._unset()}),
        }

    def _data(self) -> dict[str, Any]:
        """What the sweep reads; what a script makes of its data is not known."""
        data, spec = self.sweep.data, self.sweep.spec
        if not isinstance(data, DataSet):
            return {"tokens": spec.data.tokens}
        return {
            "tokens": spec.data.tokens,
            "validation_documents": data.val_documents,
            "tuning_documents": data.tuning_documents if spec.search is not None else 0,
        }

    def _unset(self) -> dict[str, str | None]:
        """Variables that a script reads and nobody sets → what it then takes; None where its source does not tell."""
        code = self.sweep.code
        assert code is not None
        recipes = [job.order.job.settings["env"] for job in self.dry_run.jobs if "env" in job.order.job.settings]
        given = {name for env in recipes for name in env} | LAUNCHER_NAMES
        return {name: default for name, default in code.names.items() if name not in given}

    def _mix_seeds(self, stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
        """The cheapest mix of evaluated and train-only seeds; None where a stage's duration is unknown."""
        pipeline = self.sweep.spec.pipeline()
        if self.sweep.code is not None:  # a script's seeds cannot be trained alone
            return None
        scored = pipeline.scored.name
        each = [(stage.name, stages.get(stage.name, {}).get("slot_seconds_each")) for stage in pipeline.scoring()]
        known = {name: seconds for name, seconds in each if seconds}
        train = sum(seconds for name, seconds in known.items() if name != scored)
        if len(known) < len(each) or not train:
            return None
        mix = cheapest_mix(train, known[scored])
        return {
            "train_seconds": train,
            "evaluate_seconds": known[scored],
            "correlation": PUBLIC_CORRELATION,
            **asdict(mix),
        }

    def _stage(self, stage: str) -> dict[str, Any]:
        jobs = [job for job in self.dry_run.jobs if job.order.job.stage == stage]
        left = [job for job in jobs if job.key in self.estimates]
        known = [job for job in left if self.estimates[job.key].seconds is not None]
        spans = [self.dry_run.spans[job.key] for job in known if job.key in self.dry_run.spans]
        seconds = [len(span.slots) * (span.end - span.start) for span in spans]
        return {
            "jobs": len(jobs),
            "up_to": counts_at_most(self.sweep.spec, stage),
            "done": len(jobs) - len(left),
            "slot_seconds_each": sum(seconds) / len(seconds) if seconds else None,
            "source": self.estimates[known[0].key].source if known else None,
            "slot_hours": None if left and not known else sum(seconds) / HOUR,
        }

    def _job(self, job: JobRecord) -> dict[str, Any]:
        span, estimate = self.dry_run.spans.get(job.key), self.estimates.get(job.key)
        return {
            "key": job.key,
            "stage": title_of(job.order.job.stage),
            "label": job.order.label,
            "slots": job.order.slots,
            "state": "reused" if estimate is None else "refused" if job.key in self.dry_run.refused else "new",
            "why": self.reasons[job.key].text,
            "nearest": self.reasons[job.key].nearest,
            "differs": list(self.reasons[job.key].differs),
            "seconds": None if estimate is None else estimate.seconds,
            "source": None if estimate is None else estimate.source,
            "node": None if span is None else span.node,
            "on": None if span is None else list(span.slots),
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
        }


def planned_machine(sweep: str, store: Store, this_machine: Machine) -> Machine:
    """The machine class that a sweep is planned for; on another class the same work is other jobs.

    That of the sweep's first day. For a new sweep it is this machine's, unless the store's history has other classes
    only: plans are often made on a laptop.
    """
    if (before := store.sweep(sweep)) is not None:
        return Machine(**before.spec["machine"])
    done = store.recently_done(HISTORY)
    if not done or this_machine.slot_class in [job.order.job.machine.slot_class for job in done]:
        return this_machine
    return replace(max(done, key=lambda job: job.finished or 0.0).order.job.machine, processes=1)


def planned_runtime(sweep: str, store: Store) -> Mapping[str, str | None]:
    """What a script's interpreter is on machines that are not this one: what it was for the sweep, or for the last job
    of a script; empty where no job tells.
    """
    if (before := store.sweep(sweep)) is not None:
        known: Mapping[str, str | None] = (before.spec.get("code") or {}).get("runtime", {})
        return known
    scripts = [job for job in store.recently_done(HISTORY) if "runtime" in job.order.job.settings]
    last = max(scripts, key=lambda job: job.finished or 0.0, default=None)
    return {} if last is None else last.order.job.settings["runtime"]


def plan(
    sweep: Sweep,
    store: Store,
    *,
    nodes: int,
    slots: int,
    now: float,
    speed: Speed | None = None,
    lengths: Callable[[str], Sequence[int]] | None = None,
    assumed: Sequence[str] = (),
) -> SweepPlan:
    """Plan a sweep.

    Args:
        sweep: the sweep.
        store: what is finished already; only read.
        nodes: of the cluster.
        slots: of each node.
        now: when it starts, in epoch seconds.
        speed: what is known of the machine, for jobs like which none has run; None to guess nothing of them.
        lengths: predictions of every document of a split; None to read the sweep's data.
        assumed: what the sweep's data or its machine are assumed to be, a sentence each.

    Raises:
        InputError: a job is wider than a node, or the sweep has too many jobs for a plan.
    """
    if sweep.widest() > slots:
        raise InputError(f"--slots {slots}: a job of this sweep needs {sweep.widest()} slots of one node")
    check_size(sweep.spec)
    done = store.jobs(states=[JobState.DONE])
    recent = done[-HISTORY:]
    scheduler_of = {job.key: attempts[-1].scheduler for job in recent if (attempts := store.attempts(job.key))}
    lengths, apart = lengths or _lengths(sweep), settings_of_proxy(sweep.spec.recipe)
    device = sweep.machine.device
    known_speed = None if speed is None else SpeedEstimates(speed, device)
    durations = Durations(recent, device, lengths, scheduler_of, apart, known_speed)
    estimates: dict[str, Estimate] = {}

    def seconds(job: JobRecord) -> float:
        if job.key not in estimates:
            estimates[job.key] = durations.of(job.order)
        return estimates[job.key].seconds or 0.0

    name, before = sweep.spec.name, store.sweep(sweep.spec.name)
    spent = 0.0 if before is None else before.spent_hours
    policy = Policy(budgets={name: sweep.spec.budget.limits()}, spent={name: spent}, epoch=now)
    cluster = Machines(nodes=nodes, slots=slots).free()
    run = dry_run(
        sweep,
        store,
        cluster,
        seconds,
        start_seconds=durations.start_seconds,
        learn=lambda job: durations.learn(job.order.job, job.outputs or {}),
        expected=Expectations(recent),
        policy=policy,
    )
    return SweepPlan(
        sweep=sweep,
        nodes=cluster,
        dry_run=run,
        estimates=estimates,
        reasons=_reasons(run, done),
        speed=speed or NOT_MEASURED,
        assumed=tuple(assumed),
    )


def _lengths(sweep: Sweep) -> Callable[[str], Sequence[int]]:
    """Predictions of every document of a split; none of a script, whose stages do not say what they score."""
    return cache(partial(document_lengths, sweep.data)) if isinstance(sweep.data, DataSet) else lambda split: ()


def _reasons(run: DryRun, done: Sequence[JobRecord]) -> dict[str, JobReason]:
    """Why each job is reused or new: how it differs from the nearest finished job."""
    finished = {job.key: job for job in done}
    nearest = {
        stage: SimilarJobs([job for job in done if job.order.job.stage == stage])
        for stage in {job.order.job.stage for job in done}
    }
    made = {output for job in done for output in (job.outputs or {}).values() if isinstance(output, str)}
    unmade = {output for job in run.jobs for output in (job.outputs or {}).values() if isinstance(output, str)} - made
    reasons: dict[str, JobReason] = {}
    for job in run.jobs:
        stage = job.order.job.stage
        if (before := finished.get(job.key)) is not None:
            day = datetime.fromtimestamp(before.finished or before.created, UTC)
            reasons[job.key] = JobReason(text=f'done {day:%Y-%m-%d %H:%M} UTC for sweep "{before.order.sweep}"')
        elif stage not in nearest:
            reasons[job.key] = JobReason(text=f"no {title_of(stage)} job is finished yet", is_first=True)
        else:
            near = nearest[stage].nearest(job.order.job)
            differing = differences(job.order.job, near.order.job)
            text = f"nearest is {near.key[:12]} ({near.order.label}): {explain(differing, unmade)}"
            reasons[job.key] = JobReason(text=text, nearest=near.key, differs=tuple(differing))
    return reasons
