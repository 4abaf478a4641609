"""Jobs: each written down once, whatever sweeps need it, and read as records."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, true

from jobs.database import tables
from jobs.database.engine import hold
from jobs.spec import Job, Order
from jobs.stages.registry import stage_of
from jobs.state import EventKind, JobState, SweepState
from jobs.store.event_log import record_event
from jobs.store.rows import JobRecord, is_complete
from jobs.store.transactions import Transactions, write_row
from jobs.store.work.contents import drop_outputs, has_succeeded, link_reads
from jobs.store.work.needs import read_needs, single, write_need

_NOT_IN_RECORD = frozenset(
    {"stage", "job", "slots", "places", "conditions", "priority", "number", "sweep", "label", "machine", "awaited"}
)
"""Columns that are no fields of a record: its order has them, or only queries need them."""


class Jobs(Transactions):
    """Jobs of a store."""

    def put_job(self, order: Order) -> JobRecord:
        """Write a job down for a sweep, once however often it is ordered; a failed one is queued again.

        Its priority is that of the latest order, or the highest while several running sweeps need it.
        """
        key, needed_by = order.job.key, {"sweep": order.sweep, "key": order.job.key}
        with self._write() as connection:
            self._check_lease(connection, order.sweep)
            row = lock_job(connection, key)
            if row is None:
                hold(connection, "new jobs")  # another process may be making it at this moment
                row = lock_job(connection, key)
            if row is None:
                insert_job(connection, order, self._clock())
                changed = True
            else:
                changed = _renew_order(connection, order, row)
            changed |= write_row(connection, tables.sweep_jobs, needed_by, {"label": order.label})
            write_need(connection, order)
            if changed:
                who, about = self._actor(order.sweep), {"sweep": order.sweep, "entry": order.entry, "key": key}
                facts = {"label": order.label, "stage": order.job.stage}
                record_event(connection, EventKind.JOB_REQUESTED, self._clock(), who, **about, **facts)
            [record] = select_jobs(connection, tables.jobs.c.key == key, sweep=order.sweep)
        return record

    def add_entry(self, order: Order) -> JobRecord:
        """Write down that one more entry needs a job that its sweep has already; the job stays as it is."""
        with self._write() as connection:
            self._check_lease(connection, order.sweep)
            write_need(connection, order)
            [record] = select_jobs(connection, tables.jobs.c.key == order.job.key, sweep=order.sweep)
        return record

    def job(self, key: str) -> JobRecord | None:
        """One job by its whole key."""
        return next(iter(self._select(tables.jobs.c.key == key)), None)

    def find_jobs(self, prefix: str) -> list[JobRecord]:
        """Jobs whose key begins so."""
        return self._select(tables.jobs.c.key.startswith(prefix, autoescape=True))

    def jobs(
        self,
        sweep: str | None = None,
        states: Iterable[JobState] | None = None,
        keys: Collection[str] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[JobRecord]:
        """Jobs in the order in which they were made, those of one sweep under its own labels.

        Args:
            sweep, states, keys: those of one sweep, in some states, of some keys; None: of all.
            after: key of a job; only those that were made later.
            limit: how many at most.
        """
        table, needed = tables.jobs, tables.sweep_jobs
        conditions: list[ColumnElement[bool]] = [] if states is None else [table.c.state.in_(list(states))]
        conditions += [] if keys is None else [table.c.key.in_(list(keys))]
        if after is not None:
            known = tables.jobs.alias()
            conditions.append(table.c.number > select(known.c.number).where(known.c.key == after).scalar_subquery())
        if limit is None:
            return self._select(*conditions, sweep=sweep)
        is_needed = needed.c.key == table.c.key
        is_needed &= true() if sweep is None else needed.c.sweep == sweep
        page = select(table.c.key).where(*conditions, select(needed.c.key).where(is_needed).exists())
        with self._read() as connection:
            chosen = connection.execute(page.order_by(table.c.number).limit(limit)).scalars().all()
            return select_jobs(connection, table.c.key.in_(chosen), sweep=sweep) if chosen else []

    def recently_done(self, limit: int) -> list[JobRecord]:
        """The jobs that finished last."""
        table = tables.jobs
        newest = select(table.c.key).where(table.c.state == JobState.DONE).order_by(table.c.finished.desc())
        return self._select(table.c.key.in_(newest.limit(limit)))

    def _select(self, *conditions: Any, sweep: str | None = None) -> list[JobRecord]:
        with self._read() as connection:
            return select_jobs(connection, *conditions, sweep=sweep)


def select_jobs(connection: Connection, *conditions: Any, sweep: str | None = None) -> list[JobRecord]:
    """Jobs that fulfil all conditions, in the order in which they were made; of one sweep, if it is named.

    A job that several sweeps need has one row; outside any one sweep it shows the first of them by name.
    """
    table, needed = tables.jobs, tables.sweep_jobs
    query = select(table, needed.c.sweep, needed.c.label).join(needed, needed.c.key == table.c.key)
    query = query.where(*conditions).order_by(table.c.number, needed.c.sweep)
    if sweep is not None:
        query = query.where(needed.c.sweep == sweep)
    rows = connection.execute(query).mappings().all()
    limits = conditions if sweep is None else (*conditions, tables.job_entries.c.sweep == sweep)
    needs = read_needs(connection, *limits) if rows else {}
    records: dict[str, JobRecord] = {}
    for row in rows:
        if row["key"] not in records:
            records[row["key"]] = _record(dict(row), needs.get((row["sweep"], row["key"]), {}))
    return list(records.values())


def needed_by_others(connection: Connection, sweep: str, keys: Sequence[str]) -> set[str]:
    """Those of some jobs that other running sweeps need."""
    others, sweeps = tables.sweep_jobs, tables.sweeps
    query = (
        select(others.c.key)
        .join(sweeps, sweeps.c.name == others.c.sweep)
        .where(others.c.sweep != sweep, others.c.key.in_(list(keys)), sweeps.c.state == SweepState.RUNNING)
    )
    return set(connection.execute(query).scalars())


def lock_job(connection: Connection, key: str) -> Any:
    """State, attempts, priority and outputs of a job, which nobody else changes now; None if it is not there."""
    table = tables.jobs
    columns = (table.c.state, table.c.attempt, table.c.priority, table.c.awaited, table.c.outputs)
    query = select(*columns).where(table.c.key == key)
    return connection.execute(query.with_for_update()).first()


def insert_job(connection: Connection, order: Order, now: float) -> None:
    """Write a new job down as one that waits."""
    job, table = order.job, tables.jobs
    number = connection.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one() + 1
    values = {
        "key": job.key, "stage": job.stage, "job": job.canonical(), "slots": order.slots, "places": dict(order.places),
        "conditions": dict(order.conditions), "priority": order.priority, "awaited": order.awaited, "number": number,
        "created": now,
        "state": JobState.QUEUED, "failures": 0, "attempt": 0, "fraction": 0.0, "note": "",
        "machine": job.machine.slot_class,
    }  # fmt: skip
    connection.execute(table.insert(), values)
    link_reads(connection, order)


def _renew_order(connection: Connection, order: Order, row: Any) -> bool:
    """Let a job that exists have a new order's priority and places; returns whether it is queued again."""
    shared = bool(needed_by_others(connection, order.sweep, [order.job.key]))
    priority = max(order.priority, row.priority) if shared else order.priority
    awaited = order.awaited or (shared and row.awaited)
    values = {"priority": priority, "awaited": awaited}
    values |= {"places": dict(order.places), "conditions": dict(order.conditions)}
    requeued = row.state == JobState.CANCELLED or (row.state == JobState.FAILED and not is_complete(row.outputs))
    if requeued:
        values |= {"state": JobState.QUEUED, "failures": 0, "reason": None, "claimed_by": None}
        values |= {"attempts_before_request": row.attempt}
        if not has_succeeded(connection, order.job.key):  # whoever follows would take them for the job's
            drop_outputs(connection, order.job.key)
    connection.execute(tables.jobs.update().where(tables.jobs.c.key == order.job.key), values)
    return requeued


def _record(row: dict[str, Any], needed_by: Mapping[str, int | None]) -> JobRecord:
    job, (entry, trial) = Job.from_json(row["job"]), single(needed_by)
    order = Order(
        job=job,
        sweep=row["sweep"],
        # The label is of the last entry that requested the job; several may need it by now.
        label=stage_of(job).label(entry, job.seed) if needed_by else row["label"],
        entry=entry,
        trial=trial,
        slots=row["slots"],
        places=row["places"],
        conditions=row["conditions"],
        priority=row["priority"],
        awaited=row["awaited"],
    )
    rest = {name: value for name, value in row.items() if name not in _NOT_IN_RECORD}
    return JobRecord(**rest | {"order": order, "state": JobState(row["state"]), "needed_by": needed_by})
