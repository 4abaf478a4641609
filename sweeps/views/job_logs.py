"""The log of a job: whole where the file store has it, else the last lines that its attempt reported."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.entries.names import EntryName, fold, match_entries

LEAST_DIGITS = 4
MOST_NAMED = 12
"""Jobs that an error lists."""
ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
POLL_SECONDS = 1.0
SKIPPED = "…"
"""Stands for lines that were printed faster than they were reported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobLog:
    """What there is of a job's log."""

    key: str
    label: str
    state: JobState
    reason: str | None
    attempt: int | None
    """Number of the attempt that printed it; None before the first."""
    whole: bool
    """Whether it is all that was printed; else it is the end of it."""
    lines: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def why_empty(self) -> str:
        """Why a log without lines has none."""
        if self.attempt is None:
            return "no attempt has started"
        if self.state == JobState.RUNNING:
            return "it has reported no line yet"
        return f"it printed nothing that was kept; golfsweep show {self.key[:12]} has its results"


def find_job(name: str, place: Workplace) -> JobRecord:
    """The job that a person means: by its key's first digits, its label or a part of it, its entry or its sweep.

    Raises:
        InputError: no job has that name, or several have; their keys are listed.
    """
    jobs = _find_jobs(name, place)
    if not jobs:
        raise InputError(f"{name}: no job; give the first digits of a job's key, a part of its label, or SWEEP/ENTRY")
    if len(jobs) == 1:
        return jobs[0]
    listed = [f"{job.key[:12]} ({job.order.label}, {job.state})" for job in jobs[:MOST_NAMED]]
    more = f" and {len(jobs) - MOST_NAMED} more" if len(jobs) > MOST_NAMED else ""
    raise InputError(f"{name}: {len(jobs)} jobs; give the key of one: {', '.join(listed)}{more}")


def read_log(job: JobRecord, place: Workplace) -> JobLog:
    """What there is of a job's log now.

    Raises:
        Unreadable: the file store does not answer.
    """
    attempts = place.store.attempts(job.key)
    last = attempts[-1] if attempts else None
    about: dict[str, Any] = {"key": job.key, "label": job.order.label, "state": job.state, "reason": job.reason}
    about["attempt"] = None if last is None else last.number
    digest = (job.outputs or {}).get("log") if job.state == JobState.DONE else None
    if digest is not None and place.files.has(digest):
        text = place.files.get(digest).decode("utf-8", "replace")
        return JobLog(**about, whole=True, lines=text.splitlines())
    text = (last.log or "") if last is not None else ""
    return JobLog(**about, whole=False, lines=text.splitlines())


def follow_log(key: str, place: Workplace, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """The lines of a job's log as they are reported, until the job ends; what it has at first comes first.

    A job that is retried goes on with the log of its next attempt.
    """
    shown: list[str] = []
    attempt: int | None = None
    while True:
        job = place.store.job(key)
        if job is None:
            return  # its sweep was removed
        log = read_log(job, place)
        if log.attempt != attempt:
            shown, attempt = [], log.attempt
        yield from find_new_lines(shown, log.lines)
        shown = list(log.lines)
        if job.state in ENDED:
            return
        sleep(POLL_SECONDS)


def find_new_lines(shown: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The lines after those that were shown.

    Args:
        shown: consecutive lines, the last of which may not have been complete.
        lines: the lines that there are now: all, or the last ones.
    """
    if not shown:
        return list(lines)
    for end in range(len(lines), 0, -1):
        known = min(end, len(shown))
        if list(lines[end - known : end - 1]) == list(shown[len(shown) - known : -1]) and lines[end - 1].startswith(
            shown[-1]
        ):
            grew = lines[end - 1] != shown[-1]
            return list(lines[end - 1 if grew else end :])
    return [SKIPPED, *lines] if lines else []


def _find_jobs(name: str, place: Workplace) -> list[JobRecord]:
    sweep, slash, entry = name.partition("/")
    if slash and place.store.sweep(sweep) is not None:
        of_sweep = place.store.jobs(sweep)
        needing = [EntryName(sweep=sweep, name=each) for job in of_sweep for each in job.needed_by]
        meant = {each.name for each in match_entries(entry, needing, sweep)}
        return [job for job in of_sweep if meant & set(job.needed_by)]
    jobs = place.store.find_jobs(name) if len(name) >= LEAST_DIGITS else []
    if jobs:
        return jobs
    if place.store.sweep(name) is not None:
        return place.store.jobs(name)
    everything = place.store.jobs()
    exact = [job for job in everything if name == job.order.label or fold(name) in map(fold, job.needed_by)]
    return exact or [job for job in everything if fold(name) in fold(job.order.label)]
