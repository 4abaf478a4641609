"""A sweep's jobs in short, counted by the database: what status shows without reading every job."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from jobs.database import tables
from jobs.state import JobState
from jobs.store.transactions import Transactions


class Summaries(Transactions):
    """Counts of a store's jobs, and what needs them."""

    def stage_counts(self, sweep: str) -> dict[str, dict[JobState, int]]:
        """How many of a sweep's jobs of each stage are in each state, stages in the order of their first job."""
        table, needed = tables.jobs, tables.sweep_jobs
        columns = (table.c.stage, table.c.state, func.count(), func.min(table.c.number))
        query = select(*columns).join(needed, needed.c.key == table.c.key).where(needed.c.sweep == sweep)
        query = query.group_by(table.c.stage, table.c.state)
        with self._read() as connection:
            rows = connection.execute(query).all()
        counts: dict[str, dict[JobState, int]] = {}
        for stage, state, count, _ in sorted(rows, key=lambda row: int(row[3])):
            counts.setdefault(stage, {})[JobState(state)] = count
        return counts

    def job_counts(self) -> dict[JobState, int]:
        """How many jobs of all sweeps are in each state."""
        table = tables.jobs
        with self._read() as connection:
            rows = connection.execute(select(table.c.state, func.count()).group_by(table.c.state)).all()
        return dict.fromkeys(JobState, 0) | {JobState(state): count for state, count in rows}

    def are_done(self, keys: Collection[str]) -> bool:
        """Whether all of some jobs are done."""
        table = tables.jobs
        query = select(func.count()).where(table.c.key.in_(list(keys)), table.c.state == JobState.DONE)
        with self._read() as connection:
            return bool(connection.execute(query).scalar_one() == len(set(keys)))

    def entries_needing(self, sweep: str, keys: Sequence[str]) -> dict[str, list[tuple[str, int | None]]]:
        """Names of a sweep's entries that need each of some jobs, with the trial's number where one is a trial."""
        table = tables.job_entries
        query = select(table.c.key, table.c.entry, table.c.trial).order_by(table.c.entry)
        query = query.where(table.c.sweep == sweep, table.c.key.in_(list(keys)))
        needing: dict[str, list[tuple[str, int | None]]] = {key: [] for key in keys}
        with self._read() as connection:
            for key, entry, trial in connection.execute(query):
                needing[key].append((entry, trial))
        return needing

    def sweeps_needing(self, keys: Collection[str]) -> dict[str, set[str]]:
        """Names of the sweeps that need each of some jobs."""
        table = tables.sweep_jobs
        needing: dict[str, set[str]] = {}
        with self._read() as connection:
            for sweep, key in connection.execute(select(table.c.sweep, table.c.key).where(table.c.key.in_(list(keys)))):
                needing.setdefault(key, set()).add(sweep)
        return needing
