"""How far a sweep is, who drives and schedules it, what runs, what failed and why: as plain data, and as lines."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jobs.budget import Budget
from jobs.stages.stage import title_of
from jobs.state import JobState, SweepState
from jobs.store import DriverRecord, JobRecord, NodeRecord, SchedulerRecord, Store, SubmissionRecord, SweepRecord
from sweeps.views.show import explain, last_words
from sweeps.views.submissions import submission_document, wait_of
from sweeps.views.wording import format_dollars, slot_unit

LOG_LINES = 5
MOST_JOBS = 200
"""Of those that wait, and of those that failed, that are named one by one; all are counted."""
RESUME = "not running; resume with golfsweep run FILE"


def current_state(sweep: SweepRecord, store: Store) -> str:
    """A sweep's state: `queued` or `paused` as its submission says, `stopped` if it runs and its driver is gone."""
    return _standing(sweep, store.submission(sweep.name), is_driven=store.driver_of(sweep.name) is not None)[0]


def current_states(sweeps: Sequence[SweepRecord], store: Store) -> dict[str, str]:
    """The state of each of many sweeps, by name, as `current_state` has it."""
    submissions = {record.sweep: record for record in store.last_submissions()}
    driven = {driver.sweep for driver in store.live_drivers()}
    return {
        sweep.name: _standing(sweep, submissions.get(sweep.name), is_driven=sweep.name in driven)[0] for sweep in sweeps
    }


def _standing(sweep: SweepRecord, submission: SubmissionRecord | None, *, is_driven: bool) -> tuple[str, str | None]:
    """A sweep's current state and the reason for it."""
    if (waits := wait_of(sweep, submission, is_driven=is_driven)) is not None:
        return waits
    if sweep.state == SweepState.RUNNING and not is_driven:
        return SweepState.STOPPED.value, RESUME
    return sweep.state, sweep.reason


def state_of(sweep: SweepRecord, store: Store) -> dict[str, Any]:
    """A sweep as it is in the store, in its current state."""
    driver, live, submission = store.driver_of(sweep.name), store.live_schedulers(), store.submission(sweep.name)
    state, reason = _standing(sweep, submission, is_driven=driver is not None)
    jobs = store.jobs(sweep.name, [JobState.RUNNING])
    for shown in (JobState.QUEUED, JobState.FAILED):
        jobs += store.jobs(sweep.name, [shown], limit=MOST_JOBS)
    scheduler = _scheduler(driver, live, jobs)
    return {
        "name": sweep.name,
        "state": state,
        "reason": reason,
        "owner": sweep.owner or None,
        "tags": list(sweep.tags),
        "submission": submission_document(submission),
        "driver": None if driver is None else asdict(driver),
        "scheduler": None if scheduler is None else asdict(scheduler),
        **_spending(sweep, store),
        **_counts(sweep.name, store),
        "running": _running(sweep.name, jobs, {scheduler.name for scheduler in live}, store),
        "waiting": _waiting(jobs, scheduler, store),
        "failed": [_failed(job, store) for job in jobs if job.state == JobState.FAILED],
    }


def _scheduler(
    driver: DriverRecord | None, live: Sequence[SchedulerRecord], jobs: Iterable[JobRecord]
) -> SchedulerRecord | None:
    """The live scheduler of the driver's cluster; without one, a live scheduler that has a job of the sweep."""
    claimed = {job.claimed_by for job in jobs if job.state == JobState.RUNNING}
    own = [scheduler for scheduler in live if driver is not None and scheduler.cluster == driver.cluster]
    return next(iter([*own, *(scheduler for scheduler in live if scheduler.name in claimed)]), None)


def _spending(sweep: SweepRecord, store: Store) -> dict[str, Any]:
    budget, account = Budget(**sweep.budget or {}), store.account(sweep.name)
    return {
        "gpu_hours": {"spent": account.spent, "reserved": account.reserved, "budget": budget.gpu_hours},
        "dollars": {"spent": budget.cost(account.spent), "budget": budget.dollars},
        "deadline": budget.deadline,
        "unit": slot_unit(sweep),
    }


def _counts(name: str, store: Store) -> dict[str, Any]:
    """Jobs by stage and state, and by state alone."""
    counts = store.stage_counts(name)
    stages = {
        title_of(stage): {state.value: states.get(state, 0) for state in JobState} for stage, states in counts.items()
    }
    return {
        "stages": stages,
        "jobs": {state.value: sum(states.get(state, 0) for states in counts.values()) for state in JobState},
    }


def _running(name: str, jobs: Iterable[JobRecord], live: Collection[str], store: Store) -> list[dict[str, Any]]:
    """Running jobs; `row` and `trial` are null where several entries need the job, or none is named."""
    running = [job for job in jobs if job.state == JobState.RUNNING]
    needing = store.entries_needing(name, [job.key for job in running])
    shown = []
    for job in running:
        entry, trial = needing[job.key][0] if len(needing[job.key]) == 1 else (None, None)
        shown.append({
            "key": job.key,
            "label": job.order.label,
            "stage": title_of(job.order.job.stage),
            "seed": job.order.job.seed,
            "row": entry,
            "trial": trial,
            "fraction": job.fraction,
            "note": job.note,
            "lost": job.claimed_by not in live,
        })  # fmt: skip
    return shown


def _waiting(jobs: Iterable[JobRecord], scheduler: SchedulerRecord | None, store: Store) -> list[dict[str, Any]]:
    """Queued jobs, each with the reason why it does not run; `retried` where an earlier attempt has ended."""
    shown = []
    for job in jobs:
        if job.state == JobState.QUEUED:
            retried = job.attempt > job.attempts_before_request
            reason = explain(job, store) if retried else None
            if reason is None:
                slots = f"{job.order.slots} slot{'' if job.order.slots == 1 else 's'}"
                reason = "no scheduler is running" if scheduler is None else f"waits for {slots}"
            shown.append({"key": job.key, "label": job.order.label, "reason": reason, "retried": retried})
    return shown


def _failed(job: JobRecord, store: Store) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": job.order.label,
        "reason": job.reason,
        "explanation": explain(job, store),
        "log": last_words(job, store, LOG_LINES),
    }


def quarantined(nodes: Iterable[NodeRecord]) -> Iterator[str]:
    """Nodes that get no work, and why, for a person."""
    for node in nodes:
        if not node.good:
            yield f"node {node.host} is quarantined: {node.reason}; golfsweep doctor checks it again"


def lines(state: Mapping[str, Any]) -> Iterator[str]:
    """What `state_of` gave, for a person."""
    counts = ", ".join(f"{count} {name}" for name, count in state["jobs"].items() if count)
    why = f" ({state['reason']})" if state["reason"] else ""
    yield f"{state['name']}: {state['state']}{why}; {counts or 'no jobs yet'}"
    yield f"  {_spent(state)}"
    if state["state"] == SweepState.RUNNING:
        yield f"  {_who(state)}"
    for job in state["running"]:
        lost = "  (not running: its scheduler has stopped)" if job["lost"] else ""
        yield f"  {job['label']}  {job['fraction']:.0%}  {job['note']}{lost}"
    for job in state["waiting"]:
        if job["retried"]:
            yield f"  {job['label']} waits: {job['reason']}"
    for job in state["failed"]:
        yield f"  {job['label']} ({job['key'][:12]}) failed: {job['reason']}"
        if job["explanation"]:
            yield f"    {job['explanation']}"
        for text in job["log"]:
            yield f"    | {text}"


def _who(state: Mapping[str, Any]) -> str:
    """Who drives and who schedules a running sweep."""
    driver, scheduler = state["driver"], state["scheduler"]
    drives = f"driven by process {driver['pid']} on {driver['host']}"
    if scheduler is None:
        return f"{drives}; no scheduler runs its cluster"
    if (scheduler["host"], scheduler["pid"]) == (driver["host"], driver["pid"]):
        return f"{drives}, which also schedules {scheduler['slots']} slots"
    return f"{drives}; scheduled by process {scheduler['pid']} on {scheduler['host']}, {scheduler['slots']} slots"


def _spent(state: Mapping[str, Any]) -> str:
    """Hours of cores or GPUs, dollars, and their limits."""
    hours, money, unit = state["gpu_hours"], state["dollars"], state["unit"]
    limit = "" if hours["budget"] is None else f" of {hours['budget']:g}"
    parts = [f"{hours['spent']:.2f} {unit}-hours{limit}"]
    if money["spent"] is not None:
        limit = "" if money["budget"] is None else f" of {format_dollars(money['budget'])}"
        parts.append(format_dollars(money["spent"]) + limit)
    if hours["reserved"]:
        parts.append(f"{hours['reserved']:.2f} {unit}-hours reserved for running jobs")
    if state["deadline"] is not None:
        parts.append(f"deadline {datetime.fromtimestamp(state['deadline'], UTC).isoformat(timespec='minutes')}")
    return "; ".join(parts)
