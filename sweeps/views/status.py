"""How far a sweep is, what runs, what failed and why, as plain data and as lines for a person."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from jobs.budget import Budget
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, NodeRecord, Store, SweepRecord
from sweeps.views.show import explain, last_words
from sweeps.views.wording import format_dollars

LOG_LINES = 5


def state_of(sweep: SweepRecord, store: Store) -> dict[str, Any]:
    """A sweep as it stands in the store."""
    jobs = store.jobs(sweep=sweep.name)
    budget, account = Budget(**sweep.budget or {}), store.account(sweep.name)
    live = {one.name for one in store.live_schedulers()}
    return {
        "name": sweep.name,
        "state": sweep.state,
        "reason": sweep.reason,
        "gpu_hours": {"spent": account.spent, "reserved": account.reserved, "budget": budget.gpu_hours},
        "dollars": {"spent": budget.cost(account.spent), "budget": budget.dollars},
        "deadline": budget.deadline,
        "scheduled": bool(live),
        "jobs": {state.value: sum(job.state == state for job in jobs) for state in JobState},
        "running": [
            {
                "key": job.key,
                "label": job.order.label,
                "fraction": job.fraction,
                "note": job.note,
                "lost": job.claimed_by not in live,
            }
            for job in jobs
            if job.state == JobState.RUNNING
        ],
        "retried": [
            {"key": job.key, "label": job.order.label, "explanation": explain(job, store)}
            for job in jobs
            if job.state == JobState.QUEUED and job.attempt > job.attempts_before_request
        ],
        "failed": [_failed(job, store) for job in jobs if job.state == JobState.FAILED],
    }


def set_aside(nodes: Iterable[NodeRecord]) -> Iterator[str]:
    """Nodes that get no work, and why, for a person."""
    for node in nodes:
        if not node.good:
            yield f"node {node.host} is set aside: {node.reason}; golfsweep doctor checks it again"


def _spent(state: Mapping[str, Any]) -> str:
    """Slot-hours and dollars, and their limits."""
    hours, money = state["gpu_hours"], state["dollars"]
    parts = [f"{hours['spent']:.2f} slot-hours" + (f" of {hours['budget']:g}" if hours["budget"] is not None else "")]
    if money["spent"] is not None:
        parts.append(
            format_dollars(money["spent"])
            + (f" of {format_dollars(money['budget'])}" if money["budget"] is not None else "")
        )
    if hours["reserved"]:
        parts.append(f"{hours['reserved']:.2f} slot-hours set aside for what runs")
    if state["deadline"] is not None:
        parts.append(f"deadline {datetime.fromtimestamp(state['deadline'], UTC).isoformat(timespec='minutes')}")
    return "; ".join(parts)


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
    yield f"  {_spent(state)}"
    if state["state"] == SweepState.RUNNING and not state["scheduled"]:
        yield "  nobody runs it now: its scheduler is gone; golfsweep run goes on with it"
    for job in state["running"]:
        lost = "  (its scheduler is gone: it runs no more)" if job["lost"] else ""
        yield f"  {job['label']}  {job['fraction']:.0%}  {job['note']}{lost}"
    for job in state["retried"]:
        yield f"  {job['label']} waits: {job['explanation']}"
    for job in state["failed"]:
        yield f"  {job['label']} ({job['key'][:12]}) failed: {job['reason']}"
        if job["explanation"]:
            yield f"    {job['explanation']}"
        for text in job["log"]:
            yield f"    | {text}"
