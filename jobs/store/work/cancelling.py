"""Cancelling: jobs end at once in the store, and their scheduler confirms when none of their processes is left."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.state import AttemptState, EventKind, JobState, SweepState, may_follow
from jobs.store.event_log import record_event
from jobs.store.presence.schedulers import Schedulers
from jobs.store.submissions import close_submission
from jobs.store.work.accounts import elapsed, end_attempt
from jobs.store.work.jobs import needed_by_others
from jobs.store.work.needs import forget_needs

BY_USER = "cancelled by a user"
WITH_SWEEP = "cancelled with its sweep"
WITHDRAWN = "no longer needed by the edited sweep"


class Cancelling(Schedulers):
    """Cancelled sweeps and jobs of a store."""

    def cancel_sweep(self, name: str) -> dict[str, JobState]:
        """End a sweep and all its open jobs that no other running sweep needs; returns their states by key.

        If it was submitted, nobody takes it any more.
        """
        needed, table, sweeps = tables.sweep_jobs, tables.jobs, tables.sweeps
        is_open = table.c.state.in_([JobState.QUEUED, JobState.RUNNING])
        query = select(table.c.key).join(needed, needed.c.key == table.c.key).where(needed.c.sweep == name, is_open)
        with self._write() as connection:
            close_submission(connection, name, self.user)
            keys = connection.execute(query).scalars().all()
            ended = self._cancel(connection, keys, WITH_SWEEP, name)
            changed = {"state": SweepState.CANCELLED, "reason": BY_USER}
            connection.execute(sweeps.update().where(sweeps.c.name == name), changed)
            record_event(connection, EventKind.SWEEP_CANCELLED, self._clock(), self.user, sweep=name)
            return ended

    def cancel_jobs(self, sweep: str, keys: Sequence[str]) -> dict[str, JobState]:
        """End open jobs of a sweep that no other running sweep needs; returns their states until then by key.

        Their scheduler ends their processes within seconds.
        """
        with self._write() as connection:
            return self._cancel(connection, keys, BY_USER, sweep)

    def withdraw(self, sweep: str, keys: Sequence[str]) -> None:
        """Take jobs from a sweep that does not need them any more; open ones that no other running sweep needs end."""
        needed = tables.sweep_jobs
        with self._write() as connection:
            self._check_lease(connection, sweep)
            self._cancel(connection, keys, WITHDRAWN, sweep)
            connection.execute(needed.delete().where(needed.c.sweep == sweep, needed.c.key.in_(list(keys))))
            forget_needs(connection, sweep, keys)
            for key in keys:
                who = self._actor(sweep)
                record_event(connection, EventKind.JOB_WITHDRAWN, self._clock(), who, sweep=sweep, key=key)

    def cancelled(self, scheduler: str) -> list[str]:
        """Cancelled jobs whose processes a scheduler has not confirmed as ended yet."""
        table = tables.jobs
        matching = (table.c.state == JobState.CANCELLED) & (table.c.claimed_by == scheduler)
        with self._read() as connection:
            return list(connection.execute(select(table.c.key).where(matching)).scalars())

    def confirm_ended(self, keys: Sequence[str]) -> None:
        """Confirm that no process of cancelled jobs is left."""
        table = tables.jobs
        with self._write() as connection:
            matching = table.c.key.in_(list(keys)) & (table.c.state == JobState.CANCELLED)
            connection.execute(table.update().where(matching), {"claimed_by": None})

    def still_ending(self, keys: Sequence[str]) -> list[str]:
        """Those of some cancelled jobs whose processes a live scheduler has yet to end."""
        table = tables.jobs
        with self._read() as connection:
            live = [scheduler.name for scheduler in self._live_schedulers(connection)]
            query = select(table.c.key).where(table.c.state == JobState.CANCELLED, table.c.claimed_by.in_(live))
            return [key for key in connection.execute(query).scalars() if key in keys]

    def _cancel(self, connection: Connection, keys: Sequence[str], reason: str, sweep: str) -> dict[str, JobState]:
        """End those of a sweep's jobs that are open and that no other running sweep needs; returns their states by key.

        All are locked first, in one order: what ends an attempt locks its job, the attempt and the sweep in this order.
        """
        table, now = tables.jobs, self._clock()
        query = select(table.c.key, table.c.state, table.c.attempt).where(table.c.key.in_(list(keys)))
        rows = {row.key: row for row in connection.execute(query.order_by(table.c.key).with_for_update())}
        shared = needed_by_others(connection, sweep, keys)  # as of now: the rows are locked against new orders
        ended: dict[str, JobState] = {}
        for key in keys:
            row = rows[key]
            if key in shared or not may_follow(JobState(row.state), JobState.CANCELLED):
                continue
            if row.state == JobState.RUNNING:
                ran = elapsed(self._ticks())
                end_attempt(connection, key, row.attempt, AttemptState.CANCELLED, now, ran, reason=reason)
            changed = {"state": JobState.CANCELLED, "reason": reason, "finished": now, "note": ""}
            connection.execute(table.update().where(table.c.key == key), changed)
            about = {"sweep": sweep, "key": key, "reason": reason}
            record_event(connection, EventKind.JOB_CANCELLED, now, self._actor(sweep), **about)
            ended[key] = JobState(row.state)
        return ended
