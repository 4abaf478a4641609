"""Queueing failed jobs of a sweep again, whoever drives it, or before anybody does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError, shown_name
from jobs.state import JobState, SubmissionState, SweepState
from jobs.store import JobRecord, Store
from sweeps.driver.sweep import Sweep

LEAST_DIGITS = 4
"""Of a key, for it to name a job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """What a retry did."""

    sweep: str
    queued: Sequence[JobRecord]
    """Jobs that had failed and wait now."""
    reported: Sequence[JobRecord]
    """Failed jobs of trials that the search counts as failed: later trials were drawn by that, so they stay."""
    runs: bool
    """Whether a process drives the sweep, and so starts them."""
    is_submitted: bool = False
    """Whether its file is in the database, so that the queue can drive it."""

    @property
    def lines(self) -> list[str]:
        """What was done, for people."""
        what = f"{_count(self.queued)} queued again" if self.queued else "no failed job to queue again"
        lines = [f"sweep {self.sweep}: {what}"]
        lines += [f"  {job.order.label} ({job.key[:12]})" for job in self.queued]
        if self.reported:
            names = ", ".join(dict.fromkeys(job.order.entry or job.order.label for job in self.reported))
            lines.append(f"{_count(self.reported)} stay failed, since the search chose later trials by it ({names})")
        if self.queued:
            way = "golfsweep run FILE" + (", or golfsweep run --queue" if self.is_submitted else "")
            start = "its driver starts them" if self.runs else f"start them with: {way}"
            lines.append(start[0].upper() + start[1:])
        return lines

    def to_json(self) -> dict[str, Any]:
        """The document of `retry --json`."""
        return {
            "sweep": self.sweep,
            "queued": [{"key": job.key, "label": job.order.label} for job in self.queued],
            "reported": [{"key": job.key, "label": job.order.label} for job in self.reported],
            "running": self.runs,
        }


def retry_sweep(name: str, store: Store) -> Retry:
    """Queue the failed jobs of a sweep again, as far as it still needs them.

    Raises:
        InputError: there is no such sweep, or another version of golfsweep wrote it.
    """
    return _retry(name, store.jobs(name, [JobState.FAILED]), store)


def retry_job(key: str, store: Store) -> Retry:
    """Queue one failed or cancelled job again.

    Args:
        key: the first digits of its key.
        store: where it is.

    Raises:
        InputError: no job or several begin so, or it has neither failed nor been cancelled.
    """
    jobs = store.find_jobs(key) if len(key) >= LEAST_DIGITS else []
    if len(jobs) != 1:
        problem = f"{len(jobs)} jobs begin with it; give more digits" if jobs else "no sweep and no job has that name"
        raise InputError(f"{shown_name(key)}: {problem}; golfsweep status lists failed jobs with their keys")
    [job] = jobs
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        raise InputError(f"{job.key[:12]} ({job.order.label}): is {job.state}; only a failed job can be queued again")
    return _retry(job.order.sweep, jobs, store)


def _retry(name: str, jobs: Sequence[JobRecord], store: Store) -> Retry:
    record = store.sweep(name)
    if record is None:
        raise InputError(f'no sweep "{shown_name(name)}"; golfsweep ls lists all sweeps')
    needed = Sweep.from_json(record.spec).driver(store, read_only=True).needed() if jobs else set[str]()
    queued = [store.put_job(job.order) for job in jobs if job.key in needed]
    submission = store.submission(name)
    if queued and submission is not None and submission.state != SubmissionState.PAUSED:
        store.resume_sweep(name)  # a process that takes submitted sweeps drives it once more
    return Retry(
        sweep=name,
        queued=queued,
        reported=[job for job in jobs if job.key not in needed],
        is_submitted=submission is not None,
        runs=record.state == SweepState.RUNNING and store.driver_of(name) is not None,
    )


def _count(jobs: Sequence[JobRecord]) -> str:
    return f"{len(jobs)} failed job{'' if len(jobs) == 1 else 's'}"
