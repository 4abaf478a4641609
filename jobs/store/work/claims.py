"""Claims: which scheduler has which job, and how it gives one back."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from jobs.database import tables
from jobs.state import AttemptState, EventKind, JobState, SweepState
from jobs.store.event_log import record_event
from jobs.store.presence.schedulers import Schedulers
from jobs.store.rows import JobRecord
from jobs.store.work.accounts import elapsed, end_attempt, lose_attempt
from jobs.store.work.jobs import select_jobs

_RUNNING_SWEEPS = select(tables.sweeps.c.name).where(tables.sweeps.c.state == SweepState.RUNNING)
_RUNNING_ATTEMPTS = (
    select(tables.attempts.c.sweep, func.count())
    .where(tables.attempts.c.state == AttemptState.RUNNING)
    .group_by(tables.attempts.c.sweep)
)
"""How many attempts of each sweep run."""


class Claims(Schedulers):
    """Claims of a store."""

    def claim(
        self,
        scheduler: str,
        limit: int,
        *,
        machines: Collection[str] | None = None,
        widths: tuple[int, int] | None = None,
        slots: float = math.inf,
        without: Collection[str] = (),
        holding: Collection[str] | None = None,
    ) -> list[JobRecord]:
        """Take up to `limit` jobs of running sweeps that no live scheduler holds.

        The highest priority goes first; of equals, sweeps take turns, the one with fewest jobs running first; of one
        sweep, the oldest. A job that a dead scheduler was running is among them; its attempt ends as lost, which is not
        counted as a failure.

        Args:
            scheduler: who takes them.
            limit: how many at most.
            machines: slot classes that it has; None for any.
            widths: the least and the most slots of a job; None for any.
            slots: how many all of them may have together; one that has too many is passed over.
            without: sweeps that have to wait.
            holding: keys of all jobs that the scheduler knows it has. What it has claimed beyond these, when an answer
                of the database was lost, is free, too; None takes it at the store's word.
        """
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            live = [other.name for other in self._live_schedulers(connection)]
            conditions = _free(live, scheduler, holding)
            if machines is not None:
                conditions.append(table.c.machine.in_(list(machines)))
            if widths is not None:
                conditions.append(table.c.slots.between(*widths))
            chosen = _in_turns(connection, conditions, limit, slots, without)
            if not chosen:
                return []
            known = _last_claimed(connection, [key for key, (row, _) in chosen.items() if row.claimed_by != scheduler])
            for key, (row, sweep) in chosen.items():
                if row.state == JobState.RUNNING:
                    reason = "its scheduler died, or lost track of it"
                    lost = lose_attempt(connection, key, row.attempt, now, reason)
                    about = {"sweep": lost.sweep, "key": key, "attempt": row.attempt, "scheduler": lost.scheduler}
                    record_event(connection, EventKind.JOB_LOST, now, scheduler, **about, reason=reason)
                if row.claimed_by != scheduler and known.get(key) != scheduler:
                    record_event(connection, EventKind.JOB_CLAIMED, now, scheduler, sweep=sweep, key=key)
            _queue(connection, chosen, claimed_by=scheduler)
            records = {job.key: job for job in select_jobs(connection, table.c.key.in_(list(chosen)))}
        return [
            replace(records[key], order=replace(records[key].order, sweep=sweep)) for key, (_, sweep) in chosen.items()
        ]

    def unneeded(self, scheduler: str) -> list[str]:
        """Jobs that a scheduler runs and no running sweep needs any more."""
        table, needed = tables.jobs, tables.sweep_jobs
        still = select(needed.c.key).where(needed.c.key == table.c.key, needed.c.sweep.in_(_RUNNING_SWEEPS))
        matching = (table.c.state == JobState.RUNNING) & (table.c.claimed_by == scheduler)
        with self._read() as connection:
            return list(connection.execute(select(table.c.key).where(matching, ~still.exists())).scalars())

    def release(self, keys: Sequence[str], reason: str = "stopped", scheduler: str | None = None) -> None:
        """Give claimed jobs back that were not started, or were ended on purpose; only a scheduler's own, if named."""
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            for key in sorted(keys):  # all transactions lock several attempts in this order
                query = select(table.c.state, table.c.attempt, table.c.claimed_by).where(table.c.key == key)
                row = connection.execute(query.with_for_update()).one()
                if scheduler not in (None, row.claimed_by):
                    continue
                if row.state == JobState.RUNNING:
                    ran = elapsed(self._ticks())
                    ended = end_attempt(connection, key, row.attempt, AttemptState.LOST, now, ran, reason=reason)
                    about = {"sweep": ended.sweep, "key": key, "attempt": row.attempt, "reason": reason}
                    record_event(connection, EventKind.JOB_LOST, now, row.claimed_by or self.user, **about)
                if row.state in (JobState.QUEUED, JobState.RUNNING):
                    _queue(connection, [key], claimed_by=None)


def _free(live: Collection[str], scheduler: str, holding: Collection[str] | None) -> list[Any]:
    """Conditions of an open job that no live scheduler holds; the caller is alive, whatever the clock says."""
    table = tables.jobs
    unclaimed = table.c.claimed_by.is_(None) | table.c.claimed_by.not_in([*live, scheduler])
    if holding is not None:
        unclaimed |= (table.c.claimed_by == scheduler) & table.c.key.not_in(list(holding))
    return [table.c.state.in_([JobState.QUEUED, JobState.RUNNING]), unclaimed]


def _in_turns(
    connection: Connection, conditions: Sequence[Any], limit: int, slots: float, without: Collection[str]
) -> dict[str, tuple[Any, str]]:
    """Keys of free jobs in the order in which they should run, with their rows and the sweep that pays."""
    table, needed = tables.jobs, tables.sweep_jobs
    query = (
        select(
            table.c.key,
            table.c.state,
            table.c.attempt,
            table.c.claimed_by,
            table.c.priority,
            table.c.awaited,
            table.c.number,
            table.c.slots,
        )
        .join(needed, needed.c.key == table.c.key)
        .where(needed.c.sweep == bindparam("sweep"), *conditions)
        .order_by(table.c.priority.desc(), table.c.awaited.desc(), table.c.number)
        .limit(limit)
        .with_for_update(of=table, skip_locked=True)
    )
    names = set(connection.execute(_RUNNING_SWEEPS).scalars()) - set(without)
    busy = {name: count for name, count in connection.execute(_RUNNING_ATTEMPTS)}
    ranked = []
    for name in names:
        rows = connection.execute(query, {"sweep": name}).all()
        for turn, row in enumerate(rows):
            ranked.append((-row.priority, not row.awaited, turn + busy.get(name, 0), row.number, name, row))
    chosen: dict[str, tuple[Any, str]] = {}
    for _, _, _, _, name, row in sorted(ranked, key=lambda rank: rank[:5]):
        if len(chosen) < limit and row.slots <= slots and row.key not in chosen:
            slots -= row.slots
            chosen[row.key] = (row, name)
    return chosen


def _last_claimed(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Jobs to which nothing has happened since a scheduler claimed them, by that scheduler's name.

    A scheduler chooses anew every second what to claim ahead; its claims of the same jobs would bury all other events.
    """
    if not keys:
        return {}
    table = tables.events
    last = select(func.max(table.c.id)).where(table.c.key.in_(list(keys))).group_by(table.c.key)
    query = select(table.c.key, table.c.who).where(table.c.id.in_(last), table.c.kind == EventKind.JOB_CLAIMED)
    return {key: who for key, who in connection.execute(query)}


def _queue(connection: Connection, keys: Collection[str], claimed_by: str | None) -> None:
    """Let jobs wait until the scheduler that claims them, if any, starts them."""
    changed = {"claimed_by": claimed_by, "state": JobState.QUEUED, "fraction": 0.0, "note": ""}
    connection.execute(tables.jobs.update().where(tables.jobs.c.key.in_(list(keys))), changed)
