"""What the attempts at an entry's jobs say: dollars, and commits of the code that ran."""

from collections.abc import Iterable, Mapping, Sequence

from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord

Attempts = Mapping[str, Sequence[AttemptRecord]]
"""Every attempt at some jobs by the job's key, oldest first."""


def sum_costs(jobs: Iterable[JobRecord], attempts: Attempts) -> float | None:
    """Dollars of every ended attempt at some jobs; None where one of them has no price."""
    ended = [attempt for job in jobs for attempt in attempts[job.key] if attempt.state != AttemptState.RUNNING]
    costs = [attempt.cost for attempt in ended]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def list_commits(jobs: Iterable[JobRecord], attempts: Attempts) -> tuple[str | None, ...]:
    """Commits of the code that the attempts at some jobs ran, each once; None among them where one is not known."""
    return tuple(sorted({attempt.commit for job in jobs for attempt in attempts[job.key]}, key=str))


def is_remade(attempts: Sequence[AttemptRecord]) -> bool:
    """Whether a job that had finished was begun again, as lost outputs are: clocks and costs are others then."""
    states = [attempt.state for attempt in attempts]
    return AttemptState.DONE in states[:-1]
