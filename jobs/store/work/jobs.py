"""Jobs: each written down once, whatever sweeps want it, and read as records."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.spec import Job, Order
from jobs.stages.registry import stage_named
from jobs.state import JobState, SweepState
from jobs.store.rows import JobRecord
from jobs.store.transactions import Transactions, write_row
from jobs.store.work.needs import read_needs, single, write_need

_ELSEWHERE = frozenset(
    {"stage", "job", "slots", "places", "priority", "number", "sweep", "label", "machine", "awaited"}
)
"""Columns that are no fields of a record: its order has them, or only queries need them."""


class Jobs(Transactions):
    """Jobs of a store."""

    def put_job(self, order: Order) -> JobRecord:
        """Write a job down for a sweep, once however often it is ordered; a failed one is queued again.

        Its priority is that of the latest order, or the highest while several running sweeps want it.
        """
        key, table = order.job.key, tables.jobs
        with self._write() as connection:
            query = select(table.c.state, table.c.attempt, table.c.priority, table.c.awaited).where(table.c.key == key)
            query = query.with_for_update()
            row = connection.execute(query).first()
            if row is None:
                hold(connection, "new jobs")  # somebody else may be making it just now
                row = connection.execute(query).first()
            if row is None:
                _insert(connection, order, self._clock())
            else:
                shared = bool(wanted_beside(connection, order.sweep, [key]))
                priority = max(order.priority, row.priority) if shared else order.priority
                awaited = order.awaited or (shared and row.awaited)
                changed = {"priority": priority, "awaited": awaited, "places": dict(order.places)}
                if row.state in (JobState.FAILED, JobState.CANCELLED):
                    changed |= {"state": JobState.QUEUED, "failures": 0, "reason": None, "claimed_by": None}
                    changed |= {"attempts_before_request": row.attempt}
                connection.execute(table.update().where(table.c.key == key), changed)
            write_row(connection, tables.sweep_jobs, {"sweep": order.sweep, "key": key}, {"label": order.label})
            write_need(connection, order)
            [record] = select_jobs(connection, table.c.key == key, sweep=order.sweep)
        return record

    def add_entry(self, order: Order) -> JobRecord:
        """Write down that one more entry needs a job that its sweep has already; the job stays as it is."""
        with self._write() as connection:
            write_need(connection, order)
            [record] = select_jobs(connection, tables.jobs.c.key == order.job.key, sweep=order.sweep)
        return record

    def job(self, key: str) -> JobRecord | None:
        """One job by its whole key."""
        return next(iter(self._found(tables.jobs.c.key == key)), None)

    def find_jobs(self, prefix: str) -> list[JobRecord]:
        """Jobs whose key begins so."""
        return self._found(tables.jobs.c.key.startswith(prefix, autoescape=True))

    def jobs(self, sweep: str | None = None, states: Iterable[JobState] | None = None) -> list[JobRecord]:
        """Jobs in the order in which they were made; those of one sweep under its own labels."""
        conditions = [] if states is None else [tables.jobs.c.state.in_(list(states))]
        return self._found(*conditions, sweep=sweep)

    def recently_done(self, limit: int) -> list[JobRecord]:
        """The jobs that finished last."""
        table = tables.jobs
        newest = select(table.c.key).where(table.c.state == JobState.DONE).order_by(table.c.finished.desc())
        return self._found(table.c.key.in_(newest.limit(limit)))

    def _found(self, *conditions: Any, sweep: str | None = None) -> list[JobRecord]:
        with self._read() as connection:
            return select_jobs(connection, *conditions, sweep=sweep)


def select_jobs(connection: Connection, *conditions: Any, sweep: str | None = None) -> list[JobRecord]:
    """Jobs that fulfil all conditions, in the order in which they were made; of one sweep, if it is named.

    A job that several sweeps want has one row; outside any one sweep it shows the first that asked, by name.
    """
    table, wanted = tables.jobs, tables.sweep_jobs
    query = select(table, wanted.c.sweep, wanted.c.label).join(wanted, wanted.c.key == table.c.key)
    query = query.where(*conditions).order_by(table.c.number, wanted.c.sweep)
    if sweep is not None:
        query = query.where(wanted.c.sweep == sweep)
    rows = connection.execute(query).mappings().all()
    limits = conditions if sweep is None else (*conditions, tables.job_entries.c.sweep == sweep)
    needs = read_needs(connection, *limits) if rows else {}
    found: dict[str, JobRecord] = {}
    for row in rows:
        if row["key"] not in found:
            found[row["key"]] = _record(dict(row), needs.get((row["sweep"], row["key"]), {}))
    return list(found.values())


def _insert(connection: Connection, order: Order, now: float) -> None:
    job, table = order.job, tables.jobs
    number = connection.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one() + 1
    values = {
        "key": job.key, "stage": job.stage, "job": job.canonical(), "slots": order.slots, "places": dict(order.places),
        "priority": order.priority, "awaited": order.awaited, "number": number, "created": now,
        "state": JobState.QUEUED, "failures": 0, "attempt": 0, "fraction": 0.0, "note": "",
        "machine": job.machine.slot_class,
    }  # fmt: skip
    connection.execute(table.insert(), values)


def _record(row: dict[str, Any], needed_by: Mapping[str, int | None]) -> JobRecord:
    job, (entry, trial) = Job.from_json(row["job"]), single(needed_by)
    order = Order(
        job=job,
        sweep=row["sweep"],
        # The last entry that asked named it; several may need it by now.
        label=stage_named(job.stage).label(entry, job.seed) if needed_by else row["label"],
        entry=entry,
        trial=trial,
        slots=row["slots"],
        places=row["places"],
        priority=row["priority"],
        awaited=row["awaited"],
    )
    rest = {name: value for name, value in row.items() if name not in _ELSEWHERE}
    return JobRecord(**rest | {"order": order, "state": JobState(row["state"]), "needed_by": needed_by})


def wanted_beside(connection: Connection, sweep: str, keys: Sequence[str]) -> set[str]:
    """Those of some jobs that other running sweeps want."""
    others, sweeps = tables.sweep_jobs, tables.sweeps
    query = (
        select(others.c.key)
        .join(sweeps, sweeps.c.name == others.c.sweep)
        .where(others.c.sweep != sweep, others.c.key.in_(list(keys)), sweeps.c.state == SweepState.RUNNING)
    )
    return set(connection.execute(query).scalars())
