"""States of jobs and attempts, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands; one success is for ever, as long as its outputs can be read."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """How one try at a job went."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class SweepState(StrEnum):
    """Where a sweep stands. Only a running one's jobs are claimed; the same command makes any other run again."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    OVER_BUDGET = "over budget"


FOLLOWS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}
"""A failed or cancelled job may be asked for again; a finished one is run again only if what it made is lost."""


def may_follow(before: JobState, after: JobState) -> bool:
    """Whether a job may go from one state to another."""
    return after in FOLLOWS[before]
