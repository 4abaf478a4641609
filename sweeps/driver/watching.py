"""Following a sweep's jobs: read all of them once, afterwards those that events name, and those that run."""

from collections.abc import Collection
from typing import Protocol

from jobs.state import JobState
from jobs.store import JobRecord

MOST_KEYS = 500
"""Jobs that are read by their keys; of more, reading all of the sweep's jobs is no slower."""


class JobSource(Protocol):
    """As much of a store as it takes to follow jobs."""

    def last_event(self) -> int: ...

    def changed_jobs(self, sweep: str, after: int) -> tuple[int, set[str]]: ...

    def jobs(self, sweep: str | None = None, *, keys: Collection[str] | None = None) -> list[JobRecord]: ...


class Watching:
    """A sweep's jobs as they stand in the store."""

    def __init__(self, source: JobSource, sweep: str) -> None:
        self._source, self._sweep = source, sweep
        self._cursor: int | None = None
        """The last event that `_jobs` takes into account."""
        self._jobs: dict[str, JobRecord] = {}

    def jobs(self) -> dict[str, JobRecord]:
        """All jobs of the sweep by key, in the order in which they were made.

        A running job reports its progress without events, so running jobs are read each time. Which scheduler has
        claimed a job that waits may be out of date: schedulers change their minds without events.
        """
        if self._cursor is None:
            self._read_all()
        else:
            self._read_changed(self._cursor)
        return dict(self._jobs)

    def _read_all(self) -> None:
        self._cursor = self._source.last_event()  # first: what changes meanwhile is then read once more
        self._jobs = {job.key: job for job in self._source.jobs(sweep=self._sweep)}

    def _read_changed(self, after: int) -> None:
        cursor, changed = self._source.changed_jobs(self._sweep, after)
        keys = changed | {job.key for job in self._jobs.values() if job.state == JobState.RUNNING}
        if len(keys) > MOST_KEYS:
            return self._read_all()
        if keys:
            current = {job.key: job for job in self._source.jobs(sweep=self._sweep, keys=keys)}
            for key in keys - current.keys():  # withdrawn, or not this sweep's
                self._jobs.pop(key, None)
            is_new = bool(current.keys() - self._jobs.keys())
            self._jobs |= current
            if is_new:
                self._jobs = dict(sorted(self._jobs.items(), key=lambda item: item[1].created))
        self._cursor = cursor
