"""How far a sweep is, what runs, what failed and why, as plain data and as lines for a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.state import JobState
from jobs.store import JobRecord, Store, SweepRecord
from sweeps.show import explain, last_words

LOG_LINES = 5


def state_of(sweep: SweepRecord, store: Store) -> dict[str, Any]:
    """A sweep as it stands in the store."""
    jobs = store.jobs(sweep=sweep.name)
    budget = dict(sweep.budget or {})
    account = store.account(sweep.name)
    return {
        "name": sweep.name,
        "state": sweep.state,
        "reason": sweep.reason,
        "gpu_hours": {"spent": account.spent, "reserved": account.reserved, "budget": budget.get("gpu_hours")},
        "jobs": {state.value: sum(job.state == state for job in jobs) for state in JobState},
        "running": [
            {"key": job.key, "label": job.order.label, "fraction": job.fraction, "note": job.note}
            for job in jobs
            if job.state == JobState.RUNNING
        ],
        "retried": [
            {"key": job.key, "label": job.order.label, "explanation": explain(job, store)}
            for job in jobs
            if job.state == JobState.QUEUED and job.attempt > job.asked
        ],
        "failed": [_failed(job, store) for job in jobs if job.state == JobState.FAILED],
    }


def _failed(job: JobRecord, store: Store) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": job.order.label,
        "reason": job.reason,
        "explanation": explain(job, store),
        "log": last_words(job, store, LOG_LINES),
    }


def lines(state: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person."""
    counts = ", ".join(f"{count} {name}" for name, count in state["jobs"].items() if count)
    why = f" ({state['reason']})" if state["reason"] else ""
    yield f"{state['name']}: {state['state']}{why}; {counts or 'no jobs yet'}"
    for job in state["running"]:
        yield f"  {job['label']}  {job['fraction']:.0%}  {job['note']}"
    for job in state["retried"]:
        yield f"  {job['label']} waits: {job['explanation']}"
    for job in state["failed"]:
        yield f"  {job['label']} ({job['key'][:12]}) failed: {job['reason']}"
        if job["explanation"]:
            yield f"    {job['explanation']}"
        for text in job["log"]:
            yield f"    | {text}"
