"""Cancelling: a user ends jobs at once, and whoever runs them says when nothing of them is left."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.state import AttemptState, JobState, SweepState, may_follow
from jobs.store.presence.schedulers import Schedulers
from jobs.store.work.accounts import end_attempt
from jobs.store.work.jobs import wanted_beside
from jobs.store.work.needs import forget_needs

BY_USER = "cancelled by a user"
WITH_SWEEP = "cancelled with its sweep"
WITHDRAWN = "no longer asked for"


class Cancelling(Schedulers):
    """Cancelled sweeps and jobs of a store."""

    def cancel_sweep(self, name: str) -> list[str]:
        """End a sweep and all its open jobs that no other running sweep wants; returns their keys."""
        wanted, table, sweeps = tables.sweep_jobs, tables.jobs, tables.sweeps
        is_open = table.c.state.in_([JobState.QUEUED, JobState.RUNNING])
        query = select(table.c.key).join(wanted, wanted.c.key == table.c.key).where(wanted.c.sweep == name, is_open)
        with self._write() as connection:
            keys = connection.execute(query).scalars().all()
            ended = _cancel(connection, keys, WITH_SWEEP, self._clock(), name)
            changed = {"state": SweepState.CANCELLED, "reason": BY_USER}
            connection.execute(sweeps.update().where(sweeps.c.name == name), changed)
            return ended

    def cancel_jobs(self, sweep: str, keys: Sequence[str]) -> list[str]:
        """End open jobs of a sweep that no other running sweep wants; returns their keys.

        Whoever runs them ends their processes within seconds.
        """
        with self._write() as connection:
            return _cancel(connection, keys, BY_USER, self._clock(), sweep)

    def withdraw(self, sweep: str, keys: Sequence[str]) -> None:
        """A sweep has no more use for some of its jobs: open ones that no other running sweep wants are cancelled."""
        wanted = tables.sweep_jobs
        with self._write() as connection:
            _cancel(connection, keys, WITHDRAWN, self._clock(), sweep)
            connection.execute(wanted.delete().where(wanted.c.sweep == sweep, wanted.c.key.in_(list(keys))))
            forget_needs(connection, sweep, keys)

    def cancelled(self, scheduler: str) -> list[str]:
        """Cancelled jobs that a scheduler has not let go of yet."""
        table = tables.jobs
        mine = (table.c.state == JobState.CANCELLED) & (table.c.claimed_by == scheduler)
        with self._read() as connection:
            return list(connection.execute(select(table.c.key).where(mine)).scalars())

    def let_go(self, keys: Sequence[str]) -> None:
        """Say that nothing of cancelled jobs is left running."""
        table = tables.jobs
        with self._write() as connection:
            mine = table.c.key.in_(list(keys)) & (table.c.state == JobState.CANCELLED)
            connection.execute(table.update().where(mine), {"claimed_by": None})

    def unended(self, keys: Sequence[str]) -> list[str]:
        """Those of some cancelled jobs whose processes a living scheduler has yet to end."""
        table = tables.jobs
        with self._read() as connection:
            live = [one.name for one in self._alive(connection)]
            query = select(table.c.key).where(table.c.state == JobState.CANCELLED, table.c.claimed_by.in_(live))
            return [key for key in connection.execute(query).scalars() if key in keys]


def _cancel(connection: Connection, keys: Sequence[str], reason: str, now: float, sweep: str) -> list[str]:
    """End those of a sweep's jobs that are open and that no other running sweep wants; returns their keys.

    All are locked first, in one order: whoever ends an attempt locks its job, the attempt and the sweep in this order.
    """
    table, ended = tables.jobs, []
    query = select(table.c.key, table.c.state, table.c.attempt).where(table.c.key.in_(list(keys)))
    rows = {row.key: row for row in connection.execute(query.order_by(table.c.key).with_for_update())}
    shared = wanted_beside(connection, sweep, keys)  # as of now: nobody can order them
    for key in keys:
        row = rows[key]
        if key in shared or not may_follow(JobState(row.state), JobState.CANCELLED):
            continue
        if row.state == JobState.RUNNING:
            end_attempt(connection, key, row.attempt, AttemptState.CANCELLED, now, reason=reason)
        changed = {"state": JobState.CANCELLED, "reason": reason, "finished": now, "note": ""}
        connection.execute(table.update().where(table.c.key == key), changed)
        ended.append(key)
    return ended
