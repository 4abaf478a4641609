"""How a sweep ended or stands: in what state, after what time, with how many jobs, at what cost."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.state import JobState, SweepState
from jobs.store import JobRecord, SweepRecord
from sweeps.views.verdicts.spending import Spent
from sweeps.views.wording import elapsed, format_dollars, format_hours

IDLE_SECONDS = 60.0
"""A longer time in which no job ran does not count as time that a sweep took."""
ENDS = {
    SweepState.DONE: "done in",
    SweepState.RUNNING: "running for",
    SweepState.FAILED: "failed after",
    SweepState.CANCELLED: "cancelled after",
    SweepState.STOPPED: "stopped after",
    SweepState.OVER_BUDGET: "over budget after",
}


def working_seconds(jobs: Iterable[JobRecord], since: float) -> float:
    """The time in which a sweep's jobs ran, in seconds; jobs that had ended before it count nothing."""
    ended = [(job.finished - (job.seconds or 0.0), job.finished) for job in jobs if job.finished is not None]
    total, until = 0.0, None
    for start, end in sorted(span for span in ended if span[1] > since):
        begin = max(start, since)
        if until is None or begin - until > IDLE_SECONDS:
            total += end - begin
        else:
            total += max(0.0, end - until)
        until = end if until is None else max(until, end)
    return total


def describe_end(state: dict[str, Any], record: SweepRecord, jobs: Sequence[JobRecord], spent: Spent) -> Iterator[str]:
    """The parts of a line: state and time, why, jobs, failures, slot-hours, dollars.

    Args:
        state: the sweep, as `state_of` has it.
        record: the sweep.
        jobs: all its jobs.
        spent: what they have used.
    """
    word = ENDS.get(state["state"], f"{state['state']} after")
    yield f"{word} {elapsed(working_seconds(jobs, record.created))}"
    if state["reason"] and state["state"] != SweepState.DONE:
        yield str(state["reason"])
    failed = sum(job.state == JobState.FAILED for job in jobs)
    unfinished = sum(job.state in (JobState.QUEUED, JobState.RUNNING) for job in jobs)
    total = f" of {len(jobs)}" if unfinished or failed else ""
    yield f"{spent.jobs}{total} job{'' if len(jobs) == 1 else 's'}"
    if failed:
        yield f"{failed} failed"
    yield format_hours(spent.slot_hours, spent.unit)
    if spent.dollars is not None:
        limit = "" if spent.budget_dollars is None else f" of {format_dollars(spent.budget_dollars)}"
        yield f"{format_dollars(spent.dollars)}{limit}"


def finished_at(record: SweepRecord, jobs: Sequence[JobRecord]) -> datetime | None:
    """When the last job of a sweep that runs no more ended; None while it runs, or without one."""
    ends = [job.finished for job in jobs if job.finished is not None]
    if record.state == SweepState.RUNNING or not ends:
        return None
    return datetime.fromtimestamp(max(ends), UTC)
