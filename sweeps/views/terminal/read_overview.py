"""The overview of a sweep as it stands in a home, for `run` and `leaderboard`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jobs.state import JobState, SweepState
from jobs.store import JobRecord, SweepRecord
from jobs.workplace import Workplace
from sweeps.views.entry_facts import EntryColumns
from sweeps.views.status import state_of
from sweeps.views.terminal.overview import Overview
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.read_verdict import read_spent, read_verdict
from sweeps.views.verdicts.verdict import Spent
from sweeps.views.wording import elapsed, format_dollars, format_hours

RECORDS = "public records"
MOST_FAILURES = 2
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


def read_overview(
    name: str | None,
    rows: Sequence[EntryColumns],
    place: Workplace,
    *,
    home_options: str = "",
    report: str | None = None,
    with_failures: bool = True,
) -> Overview:
    """What `run` and `leaderboard` show.

    Args:
        name: the sweep; None for public records alone.
        rows: entries of its leaderboard.
        place: where it is.
        home_options: what was typed to reach that place.
        report: why there is no report; None where there is one.
        with_failures: whether to list what failed.
    """
    verdict, commands = read_verdict(name, rows, place, home_options), words_for(name or "", place, home_options)
    record = None if name is None else place.store.sweep(name)
    if record is None:
        number = f"{len(rows)} entr{'y' if len(rows) == 1 else 'ies'}"
        return Overview(verdict=verdict, rows=rows, baseline=None, commands=commands, head=[RECORDS, number])
    jobs = place.store.jobs(sweep=record.name)
    return Overview(
        verdict=verdict,
        rows=rows,
        baseline=baseline_of(record.name, place),
        commands=commands,
        head=list(_describe_end(state_of(record, place.store), record, jobs, read_spent(record, place))),
        failures=_list_failures(jobs) if with_failures else (),
        report=report,
    )


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


def _describe_end(state: dict[str, Any], record: SweepRecord, jobs: Sequence[JobRecord], spent: Spent) -> Iterator[str]:
    """How the sweep ended or is, after what time, with how many jobs, at what cost."""
    yield record.name
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


def _list_failures(jobs: Sequence[JobRecord]) -> list[str]:
    """A line for each of the first failed jobs, and the number of the others."""
    failed = [job for job in jobs if job.state == JobState.FAILED]
    lines = [f"{job.order.label} ({job.key[:12]}): {job.reason}" for job in failed[:MOST_FAILURES]]
    return lines if len(failed) <= MOST_FAILURES else [*lines, f"and {len(failed) - MOST_FAILURES} more jobs"]
