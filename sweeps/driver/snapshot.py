"""How far a sweep has come, as one look at the store shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.state import JobState
from jobs.store import JobRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What one look at a sweep showed."""

    phase: str
    """What the sweep does now: a gang's stage while a gang has to run, else search, confirm, done or ended."""
    done: bool
    jobs: tuple[JobRecord, ...]
    trials: int
    trials_done: int
    best: tuple[str, float] | None
    """Name and score of the best trial so far, in bits per byte."""
    to_come: Mapping[str, int]
    """Jobs still to be done by stage, those that are not written down yet included."""
    by_proxy: bool = False
    """Whether trials run cheaper than entries, so that the score of none is that of an entry."""
    infeasible: int = 0
    """Trials without a score because artifact and code are over the file's limit of bytes."""
    confirmed: int = 0
    """Scores of entries, one for each seed, that are known."""
    to_confirm: int = 0
    """Scores of entries that there will be in the end, those known included."""
    ended: str | None = None
    """Why the sweep was ended before it was done, e.g. "cancelled: cancelled by a user"."""
    blocked: JobRecord | None = None
    """The job that failed or was cancelled although all trials need it: the rest of the search cannot go on."""

    @property
    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return {state: sum(job.state == state for job in self.jobs) for state in JobState}

    @property
    def running(self) -> list[JobRecord]:
        return [job for job in self.jobs if job.state == JobState.RUNNING]

    @property
    def failures(self) -> list[JobRecord]:
        return [job for job in self.jobs if job.state == JobState.FAILED]
