"""Progress of a sweep as facts in words: time, stages, cost, results; for a panel and for lines alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jobs.stages.registry import stage_of
from jobs.stages.stage import title_of
from jobs.state import JobState
from sweeps.driver.snapshot import Snapshot
from sweeps.views.wording import elapsed, format_dollars, format_hours


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepUsage:
    """What a sweep uses and may use."""

    name: str = ""
    unit: str = "slot"
    """What a slot is to people: core or GPU."""
    slots: int | None = None
    """Of the cluster that runs its jobs."""
    hours: float | None = None
    """Slot-hours of ended attempts."""
    dollars: float | None = None
    budget_dollars: float | None = None
    budget_hours: float | None = None
    since: float | None = None
    """When its driver began, in epoch seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepMoment:
    """How a sweep stands at a moment."""

    snapshot: Snapshot | None
    """None before the first look at it."""
    usage: SweepUsage = field(default_factory=SweepUsage)
    seconds: float = 0.0
    """Since it was started or resumed."""
    left: float | None = None
    """Seconds that it still takes; None where nobody knows."""
    share: float = 0.0
    """Of the work that is done, from 0 to 1."""
    now: float = 0.0
    """Epoch seconds."""


def seconds_left(snapshot: Snapshot, slot_seconds: Mapping[str, float], slots: int) -> float | None:
    """Estimate the seconds left: the work of every job still to come, spread over all slots.

    Args:
        snapshot: how the sweep stands.
        slot_seconds: mean slot-seconds of finished jobs by stage.
        slots: slots of the cluster.

    Returns:
        None while no job of a stage that is still to come has finished.
    """
    work = 0.0
    for stage, count in snapshot.to_come.items():
        if count and stage not in slot_seconds:
            return None
        work += count * slot_seconds.get(stage, 0.0)
    return work / max(1, slots)


def share_done(snapshot: Snapshot, seconds: float, left: float | None) -> float:
    """The share of a sweep that is done: by its plan where that is known, else by the number of its jobs."""
    if snapshot.done:
        return 1.0
    if left is not None:
        return seconds / (seconds + left) if seconds + left > 0 else 0.0
    ended = sum(job.state in (JobState.DONE, JobState.FAILED) for job in snapshot.jobs)
    return ended / max(1, ended + sum(snapshot.to_come.values()))


def describe_stages(snapshot: Snapshot) -> list[str]:
    """How far each part of a sweep is, in its order, e.g. train 6/6, search 14/24, confirm 0/21, audit 0/7."""
    ended: dict[str, int] = {}
    for job in snapshot.jobs:
        if job.state in (JobState.DONE, JobState.FAILED):
            ended[job.order.job.stage] = ended.get(job.order.job.stage, 0) + 1
    by_stage = {job.order.job.stage: job.order.job for job in snapshot.jobs}
    gangs = [stage for stage, job in by_stage.items() if stage_of(job).is_gang]
    counts = [(title_of(stage), ended.get(stage, 0), snapshot.to_come.get(stage, 0)) for stage in gangs]
    if snapshot.trials:
        counts.append(("search", snapshot.trials_done, snapshot.trials - snapshot.trials_done))
    if snapshot.to_confirm:
        counts.append(("confirm", snapshot.confirmed, snapshot.to_confirm - snapshot.confirmed))
    audits = [stage for stage in snapshot.to_come if "audit" in stage]
    counts += [(title_of(stage), ended.get(stage, 0), snapshot.to_come[stage]) for stage in audits]
    return [f"{title} {done}/{done + left}" for title, done, left in counts if done + left]


def describe_time(moment: SweepMoment) -> list[str]:
    """The time since the start, and when the sweep ends."""
    if moment.snapshot is not None and moment.snapshot.done:
        return [f"done in {elapsed(moment.seconds)}"]
    parts = [elapsed(moment.seconds)]
    if moment.left is not None:
        end = datetime.fromtimestamp(moment.now + moment.left).astimezone()
        day = "" if end.date() == datetime.fromtimestamp(moment.now).date() else f"{end:%a} "
        parts.append(f"ends about {day}{end:%H:%M}, in {elapsed(moment.left)}")
    return parts


def describe_usage(moment: SweepMoment) -> list[str]:
    """Money or hours of the budget, and slots in use of all."""
    usage, parts = moment.usage, []
    if usage.dollars is not None:
        limit = "" if usage.budget_dollars is None else f" of {format_dollars(usage.budget_dollars)}"
        parts.append(f"{format_dollars(usage.dollars)}{limit} spent")
    elif usage.hours is not None:
        limit = "" if usage.budget_hours is None else f" of {usage.budget_hours:g}"
        parts.append(f"{format_hours(usage.hours, usage.unit)}{limit}")
    if moment.snapshot is not None:
        busy = sum(job.order.slots for job in moment.snapshot.running)
        of = "" if usage.slots is None else f" of {max(busy, usage.slots)}"
        parts.append(f"{busy}{of} {usage.unit}{'' if (usage.slots or busy) == 1 else 's'} busy")
    return parts


def describe_results(snapshot: Snapshot) -> list[str]:
    """The best score of the search, named as what it is, trials that the file rules out, and failures."""
    parts = []
    if snapshot.best is not None:
        name, bpb = snapshot.best
        parts.append(f"best {'proxy' if snapshot.by_proxy else 'tuning'} score {bpb:.4f} ({name})")
    if over := snapshot.infeasible:
        parts.append(f"{over} trial{'' if over == 1 else 's'} over the byte limit")
    if failed := len(snapshot.failures):
        parts.append(f"{failed} job{'' if failed == 1 else 's'} failed")
    return parts
