"""What runs where, and how much waits, over all sweeps."""

from sqlalchemy import func, select

from jobs.database import tables
from jobs.state import AttemptState, JobState, SweepState
from jobs.store.rows import RunningAttempt, WaitingJobs
from jobs.store.transactions import Transactions


class Occupancy(Transactions):
    """Running attempts and waiting jobs of a store."""

    def running_attempts(self) -> list[RunningAttempt]:
        """Attempts that run, of all sweeps, by node."""
        attempts, jobs, labels, schedulers = tables.attempts, tables.jobs, tables.sweep_jobs, tables.schedulers
        query = (
            select(
                attempts.c.key,
                attempts.c.sweep,
                attempts.c.node,
                attempts.c.host,
                attempts.c.slots,
                attempts.c.started,
                func.coalesce(labels.c.label, jobs.c.stage).label("label"),
                jobs.c.fraction,
                func.coalesce(schedulers.c.cluster, "").label("cluster"),
            )
            .join(jobs, jobs.c.key == attempts.c.key)
            .outerjoin(labels, (labels.c.key == attempts.c.key) & (labels.c.sweep == attempts.c.sweep))
            .outerjoin(schedulers, schedulers.c.name == attempts.c.scheduler)
            .where(attempts.c.state == AttemptState.RUNNING)
            .order_by("cluster", attempts.c.host, attempts.c.node, attempts.c.started)
        )
        with self._read() as connection:
            return [RunningAttempt(**row) for row in connection.execute(query).mappings()]

    def waiting_jobs(self) -> list[WaitingJobs]:
        """How many jobs of each running sweep wait, the most urgent sweep first."""
        jobs, needed, sweeps = tables.jobs, tables.sweep_jobs, tables.sweeps
        query = (
            select(
                needed.c.sweep,
                func.count().label("jobs"),
                func.max(jobs.c.priority).label("priority"),
                func.min(jobs.c.created).label("since"),
            )
            .join(jobs, jobs.c.key == needed.c.key)
            .join(sweeps, sweeps.c.name == needed.c.sweep)
            .where(jobs.c.state == JobState.QUEUED, sweeps.c.state == SweepState.RUNNING)
            .group_by(needed.c.sweep)
            .order_by(func.max(jobs.c.priority).desc(), func.min(jobs.c.created))
        )
        with self._read() as connection:
            return [WaitingJobs(**row) for row in connection.execute(query).mappings()]
