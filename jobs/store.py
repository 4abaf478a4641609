"""The store: what is to be done, what was done, and by whom. Everything else can die.

A job is here before it runs, and its result is here before it is reported. Of several schedulers on one store each job
is run by one: a claim lasts as long as the scheduler's heartbeat, then it is free again, and whoever lost it can no
longer write to the job (LostClaim). Every method is one short transaction; times are epoch seconds of the clock given.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from jobs import tables
from jobs.budget import Account, Budget, reservation
from jobs.database import mapped, open_engine
from jobs.rows import (
    AttemptRecord,
    JobRecord,
    LostClaim,
    NodeRecord,
    OverBudget,
    SchedulerRecord,
    StoreAway,
    SweepRecord,
    Taken,
    TrialRecord,
)
from jobs.spec import Job, Order
from jobs.state import AttemptState, JobState, SweepState, may_follow

__all__ = [
    "STALE_SECONDS",
    "WITH_SWEEP",
    "AttemptRecord",
    "JobRecord",
    "LostClaim",
    "NodeRecord",
    "OverBudget",
    "SchedulerRecord",
    "Store",
    "StoreAway",
    "SweepRecord",
    "Taken",
    "TrialRecord",
]

STALE_SECONDS = 30.0
"""A scheduler whose last heartbeat is older than this has lost its claims."""
WITH_SWEEP = "cancelled with its sweep"
"""The reason of jobs that are asked for again when their sweep is."""


class Store:
    """Open with `Store.open`."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine, self._clock = engine, clock

    @classmethod
    def open(cls, url: str, clock: Callable[[], float] = time.time) -> "Store":
        """Open a database, making or migrating its tables if need be; raises what `open_engine` does."""
        return cls(open_engine(url), clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    # Sweeps

    def put_sweep(self, name: str, spec: Mapping[str, Any], budget: Budget | None = None) -> None:
        """Write a sweep down, or its new definition; it is running from now on."""
        table = tables.sweeps
        changed = {
            "spec": dict(spec),
            "state": SweepState.RUNNING,
            "reason": None,
            "budget": None if budget is None else asdict(budget),
        }
        with self._write() as connection:
            if not connection.execute(table.update().where(table.c.name == name).values(**changed)).rowcount:
                connection.execute(table.insert().values(name=name, created=self._clock(), **changed))

    def end_sweep(self, name: str, state: SweepState, reason: str | None = None) -> None:
        """Say that a running sweep goes no further, and why; one that has been ended already stays as it is."""
        table = tables.sweeps
        with self._write() as connection:
            mine = (table.c.name == name) & (table.c.state == SweepState.RUNNING)
            connection.execute(table.update().where(mine).values(state=state, reason=reason))

    def account(self, name: str) -> Account:
        """What a sweep has spent and set aside."""
        with self._read() as connection:
            return self._account(connection, name)

    def overspent(self) -> dict[str, str]:
        """Running sweeps whose attempts, running ones included, have used up their budget or passed its deadline."""
        table, now = tables.attempts, self._clock()
        running = (table.c.state == AttemptState.RUNNING) & table.c.sweep.is_not(None)
        query = select(table.c.sweep, func.sum(table.c.slots * (now - table.c.started)) / 3600)
        with self._read() as connection:
            used = {name: hours for name, hours in connection.execute(query.where(running).group_by(table.c.sweep))}
        found = {}
        for sweep in self.sweeps():
            if sweep.state == SweepState.RUNNING and sweep.budget is not None and sweep.name in used:
                budget = Budget(**sweep.budget)
                account = Account(spent=sweep.spent_hours + used[sweep.name], reserved=0.0)
                refused = reservation(budget, account, 0, 0.0, now)
                if isinstance(refused, str):
                    found[sweep.name] = refused
        return found

    def sweep(self, name: str) -> SweepRecord | None:
        """One sweep by name."""
        return next((record for record in self.sweeps() if record.name == name), None)

    def sweeps(self) -> list[SweepRecord]:
        """All sweeps, oldest first."""
        with self._read() as connection:
            rows = connection.execute(select(tables.sweeps).order_by(tables.sweeps.c.created)).mappings()
            return [SweepRecord(**row) for row in rows]

    # Public records

    def put_record(self, name: str, content: Mapping[str, Any]) -> bool:
        """Write a public record down under its name, in place of an earlier one; False if nothing has changed."""
        plain = json.dumps(content, sort_keys=True, allow_nan=False)
        digest, table = hashlib.sha256(plain.encode()).hexdigest(), tables.records
        values = {"digest": digest, "content": json.loads(plain), "imported": self._clock()}
        with self._write() as connection:
            known = connection.execute(select(table.c.digest).where(table.c.name == name)).scalar()
            if known is None:
                connection.execute(table.insert().values(name=name, **values))
            elif known != digest:
                connection.execute(table.update().where(table.c.name == name).values(**values))
        return known != digest

    def records(self) -> list[dict[str, Any]]:
        """Contents of all public records, by name."""
        with self._read() as connection:
            return list(connection.execute(select(tables.records.c.content).order_by(tables.records.c.name)).scalars())

    # Jobs

    def put_job(self, order: Order) -> JobRecord:
        """Write a job down for a sweep, once however often it is ordered; a failed one is queued again.

        Its priority is the highest of any order for it.
        """
        job, table = order.job, tables.jobs
        with self._write() as connection:
            row = connection.execute(select(table).where(table.c.key == job.key)).mappings().first()
            if row is None:
                number = connection.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one() + 1
                values = {
                    "key": job.key, "kind": job.kind, "job": job.canonical(), "slots": order.slots,
                    "places": dict(order.places), "priority": order.priority, "number": number,
                    "created": self._clock(), "state": JobState.QUEUED, "failures": 0, "attempt": 0,
                    "fraction": 0.0, "note": "", "machine": job.machine.slot_class,
                }  # fmt: skip
                connection.execute(table.insert().values(**values))
            else:
                changed: dict[str, Any] = {
                    "priority": max(order.priority, row["priority"]),
                    "places": dict(order.places),
                }
                if row["state"] in (JobState.FAILED, JobState.CANCELLED):
                    changed |= {"state": JobState.QUEUED, "failures": 0, "reason": None, "claimed_by": None}
                    changed |= {"asked": row["attempt"]}
                connection.execute(table.update().where(table.c.key == job.key).values(**changed))
            self._want(connection, order)
        record = self.job(job.key)
        assert record is not None
        return record

    def job(self, key: str) -> JobRecord | None:
        """One job by its whole key."""
        return next(iter(self._jobs(tables.jobs.c.key == key)), None)

    def find_jobs(self, prefix: str) -> list[JobRecord]:
        """Jobs whose key begins so."""
        return self._jobs(tables.jobs.c.key.startswith(prefix, autoescape=True))

    def jobs(self, sweep: str | None = None, states: Iterable[JobState] | None = None) -> list[JobRecord]:
        """Jobs in the order in which they were made; those of one sweep under its own labels."""
        conditions = [] if states is None else [tables.jobs.c.state.in_(list(states))]
        return self._jobs(*conditions, sweep=sweep)

    def recently_done(self, limit: int) -> list[JobRecord]:
        """The jobs that finished last."""
        table = tables.jobs
        newest = select(table.c.key).where(table.c.state == JobState.DONE).order_by(table.c.finished.desc())
        return self._jobs(table.c.key.in_(newest.limit(limit)))

    def budget(self, sweep: str) -> Budget:
        """A sweep's limits and price as they stand."""
        record = self.sweep(sweep)
        return Budget(**(record.budget if record is not None and record.budget is not None else {}))

    # Schedulers and claims

    def beat(self, scheduler: str, cluster: str = "", slots: int = 0, widest: int = 0) -> None:
        """Say that a scheduler is alive; the first beat makes it its cluster's.

        Args:
            scheduler: its name.
            cluster: what tells its cluster from others; "" is none, of which there may be many schedulers.
            slots: slots of the cluster.
            widest: slots of its largest node.

        Raises:
            Taken: another one that is alive is the cluster's; whoever was silent for too long finds this out here.
        """
        table = tables.schedulers
        facts = {"heartbeat": self._clock(), "cluster": cluster, "slots": slots, "widest": widest}
        values = {"host": socket.gethostname(), "pid": os.getpid(), **facts}
        with self._write() as connection:
            if cluster and connection.dialect.name == "postgresql":  # SQLite's write lock is held already
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(cluster))))
            others = [one for one in self._live(connection) if one.name != scheduler and one.cluster == cluster]
            if cluster and others:
                raise Taken(f"{others[0].name} schedules {cluster}")
            if not connection.execute(table.update().where(table.c.name == scheduler).values(**values)).rowcount:
                connection.execute(table.insert().values(name=scheduler, **values))

    def forget_scheduler(self, scheduler: str) -> None:
        """A scheduler that ends orderly says so; whatever it still holds is free at once."""
        with self._write() as connection:
            connection.execute(tables.schedulers.delete().where(tables.schedulers.c.name == scheduler))

    def live_schedulers(self) -> list[SchedulerRecord]:
        """Schedulers whose heartbeat is fresh and whose process, if it is of this machine, exists."""
        with self._read() as connection:
            return self._live(connection)

    def claim(
        self,
        scheduler: str,
        limit: int,
        *,
        machines: Collection[str] | None = None,
        wide: bool | None = None,
        without: Collection[str] = (),
    ) -> list[JobRecord]:
        """Take up to `limit` jobs of running sweeps that nobody alive holds.

        The highest priority goes first; of equals, sweeps take turns, the one with fewest jobs running first; of one
        sweep, the oldest. A job that a dead scheduler was running is among them; its attempt ends as lost, which counts
        against nobody.

        Args:
            scheduler: who takes them.
            limit: how many at most.
            machines: slot classes that it has; None for any.
            wide: only jobs of several slots, or only of one; None for both.
            without: sweeps that have to wait.
        """
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            live = [one.name for one in self._live(connection)]
            conditions: list[Any] = [
                table.c.state.in_([JobState.QUEUED, JobState.RUNNING]),
                table.c.claimed_by.is_(None) | table.c.claimed_by.not_in(live),
            ]
            if machines is not None:
                conditions.append(table.c.machine.in_(list(machines)))
            if wide is not None:
                conditions.append(table.c.slots > 1 if wide else table.c.slots == 1)
            chosen = self._in_turns(connection, conditions, limit, without)
            for key, (state, attempt, _) in chosen.items():
                if state == JobState.RUNNING:
                    self._lose(connection, key, attempt, now, "its scheduler died")
                changed = {"claimed_by": scheduler, "state": JobState.QUEUED, "fraction": 0.0, "note": ""}
                connection.execute(table.update().where(table.c.key == key).values(**changed))
        found = {job.key: job for job in self._jobs(table.c.key.in_(list(chosen)))} if chosen else {}
        return [
            replace(found[key], order=replace(found[key].order, sweep=sweep)) for key, (_, _, sweep) in chosen.items()
        ]

    def _in_turns(
        self, connection: Connection, conditions: Sequence[Any], limit: int, without: Collection[str]
    ) -> dict[str, tuple[str, int, str]]:
        """Keys of free jobs in the order in which they should run, with state, attempt, and the sweep that pays."""
        table, wanted, attempts = tables.jobs, tables.sweep_jobs, tables.attempts
        names = connection.execute(select(tables.sweeps.c.name).where(tables.sweeps.c.state == SweepState.RUNNING))
        running = select(attempts.c.sweep, func.count()).where(attempts.c.state == AttemptState.RUNNING)
        busy = {name: count for name, count in connection.execute(running.group_by(attempts.c.sweep))}
        ranked = []
        for name in set(names.scalars()) - set(without):
            query = select(table.c.key, table.c.state, table.c.attempt, table.c.priority, table.c.number)
            query = query.join(wanted, wanted.c.key == table.c.key).where(wanted.c.sweep == name, *conditions)
            query = query.order_by(table.c.priority.desc(), table.c.number).limit(limit)
            rows = connection.execute(query.with_for_update(of=table, skip_locked=True)).all()
            for turn, row in enumerate(rows):
                ranked.append((-row.priority, turn + busy.get(name, 0), row.number, name, row))
        found: dict[str, tuple[str, int, str]] = {}
        for _, _, _, name, row in sorted(ranked, key=lambda one: one[:4]):
            if len(found) < limit and row.key not in found:
                found[row.key] = (row.state, row.attempt, name)
        return found

    def release(self, keys: Sequence[str], reason: str = "stopped", scheduler: str | None = None) -> None:
        """Give claimed jobs back that were not started, or were ended on purpose; only a scheduler's own, if named."""
        table = tables.jobs
        with self._write() as connection:
            for key in keys:
                query = select(table.c.state, table.c.attempt, table.c.claimed_by).where(table.c.key == key)
                row = connection.execute(query.with_for_update()).one()
                if scheduler not in (None, row.claimed_by):
                    continue
                if row.state == JobState.RUNNING:
                    self._end_attempt(connection, key, row.attempt, AttemptState.LOST, self._clock(), reason=reason)
                if row.state in (JobState.QUEUED, JobState.RUNNING):
                    changed = {"state": JobState.QUEUED, "claimed_by": None, "fraction": 0.0, "note": ""}
                    connection.execute(table.update().where(table.c.key == key).values(**changed))

    def cancel_sweep(self, name: str) -> list[str]:
        """End a sweep and all its open jobs that no other running sweep wants; returns their keys."""
        wanted, others = tables.sweep_jobs, tables.sweep_jobs.alias()
        shared = (
            select(others.c.key)
            .join(tables.sweeps, tables.sweeps.c.name == others.c.sweep)
            .where(others.c.sweep != name, tables.sweeps.c.state == SweepState.RUNNING)
        )
        with self._write() as connection:
            mine = tables.sweeps.c.name == name
            changed = {"state": SweepState.CANCELLED, "reason": "cancelled by a user"}
            connection.execute(tables.sweeps.update().where(mine).values(**changed))
            query = select(wanted.c.key).where(wanted.c.sweep == name, wanted.c.key.not_in(shared))
            return self._cancel(connection, connection.execute(query).scalars().all(), WITH_SWEEP)

    def cancel_jobs(self, keys: Sequence[str]) -> list[str]:
        """End open jobs; returns those that were open. Whoever runs them ends their processes within seconds."""
        with self._write() as connection:
            return self._cancel(connection, keys, "cancelled by a user")

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
            connection.execute(table.update().where(mine).values(claimed_by=None))

    def unended(self, keys: Sequence[str]) -> list[str]:
        """Those of some cancelled jobs whose processes a living scheduler has yet to end."""
        table = tables.jobs
        with self._read() as connection:
            live = [one.name for one in self._live(connection)]
            query = select(table.c.key).where(table.c.state == JobState.CANCELLED, table.c.claimed_by.in_(live))
            return [key for key in connection.execute(query).scalars() if key in keys]

    def _cancel(self, connection: Connection, keys: Sequence[str], reason: str) -> list[str]:
        table, now = tables.jobs, self._clock()
        ended = []
        for key in keys:
            row = connection.execute(select(table.c.state, table.c.attempt).where(table.c.key == key)).one()
            if not may_follow(JobState(row.state), JobState.CANCELLED):
                continue
            if row.state == JobState.RUNNING:
                self._end_attempt(connection, key, row.attempt, AttemptState.CANCELLED, now, reason=reason)
            changed = {"state": JobState.CANCELLED, "reason": reason, "finished": now, "note": ""}
            connection.execute(table.update().where(table.c.key == key).values(**changed))
            ended.append(key)
        return ended

    # Attempts

    def start_attempt(
        self,
        key: str,
        scheduler: str,
        *,
        host: str,
        workdir: str,
        versions: Mapping[str, str],
        commit: str | None,
        node: str | None = None,
        slots: int = 1,
        sweep: str | None = None,
        seconds: float | None = None,
    ) -> int:
        """A claimed job starts to run, and what it may cost is set aside; returns the attempt's number.

        Args:
            key, scheduler: the job, and who claimed it.
            host, workdir, versions, commit, node, slots: what it runs on.
            sweep: the sweep that pays.
            seconds: what it takes at most; None if nobody knows.

        Raises:
            LostClaim: the job is not this scheduler's to start.
            OverBudget: the sweep cannot pay for it, or its deadline is too near.
        """
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            row = connection.execute(select(table).where(table.c.key == key).with_for_update()).mappings().one()
            if row["claimed_by"] != scheduler or not may_follow(JobState(row["state"]), JobState.RUNNING):
                raise LostClaim(f"job {key[:12]} is {row['state']}, claimed by {row['claimed_by']}")
            hours = 0.0 if sweep is None else self._reserve(connection, sweep, slots, seconds, now)
            number: int = row["attempt"] + 1
            values = {
                "key": key, "number": number, "state": AttemptState.RUNNING, "scheduler": scheduler, "host": host,
                "workdir": workdir, "versions": dict(versions), "commit": commit, "started": now, "heartbeat": now,
                "node": node, "slots": slots, "sweep": sweep, "reserved_hours": hours,
            }  # fmt: skip
            connection.execute(tables.attempts.insert().values(**values))
            changed = {"state": JobState.RUNNING, "attempt": number, "fraction": 0.0, "note": "starting"}
            connection.execute(table.update().where(table.c.key == key).values(**changed))
        return number

    def reserve(self, key: str, attempt: int, hours: float) -> None:
        """Set another amount aside for a running attempt, now that more is known of it."""
        mine = (tables.attempts.c.key == key) & (tables.attempts.c.number == attempt)
        with self._write() as connection:
            connection.execute(tables.attempts.update().where(mine).values(reserved_hours=hours))

    def progress(self, key: str, attempt: int, fraction: float, note: str) -> None:
        """How far an attempt is; also its heartbeat."""
        with self._write() as connection:
            self._update(connection, key, attempt, fraction=fraction, note=note)
            mine = (tables.attempts.c.key == key) & (tables.attempts.c.number == attempt)
            connection.execute(tables.attempts.update().where(mine).values(heartbeat=self._clock()))

    def put_checkpoint(self, key: str, attempt: int, digest: str) -> str | None:
        """The state from which the job can go on; returns the one that it replaces."""
        with self._write() as connection:
            query = select(tables.jobs.c.checkpoint).where(tables.jobs.c.key == key)
            before: str | None = connection.execute(query).scalar_one()
            self._update(connection, key, attempt, checkpoint=digest)
        return None if before == digest else before

    def put_shard(self, key: str, attempt: int, index: int, digest: str) -> None:
        """Scores of some documents, kept whatever becomes of the attempt."""
        with self._write() as connection:
            self._update(connection, key, attempt)
            mine = (tables.shards.c.key == key) & (tables.shards.c.index == index)
            connection.execute(tables.shards.delete().where(mine))
            connection.execute(tables.shards.insert().values(key=key, index=index, digest=digest))

    def shards(self, key: str) -> dict[int, str]:
        """Digests of an evaluation's finished shards by number."""
        with self._read() as connection:
            query = select(tables.shards.c.index, tables.shards.c.digest).where(tables.shards.c.key == key)
            return {index: digest for index, digest in connection.execute(query.order_by(tables.shards.c.index))}

    def finish(
        self,
        key: str,
        attempt: int,
        outputs: Mapping[str, Any],
        *,
        seconds: float,
        peak_bytes: int | None,
        cost: float | None,
    ) -> None:
        """The job's one success."""
        now = self._clock()
        with self._write() as connection:
            done = {"state": JobState.DONE, "outputs": dict(outputs), "finished": now, "seconds": seconds}
            self._update(connection, key, attempt, **done, fraction=1.0, note="", claimed_by=None, checkpoint=None)
            facts = {"peak_bytes": peak_bytes, "cost": cost}
            self._end_attempt(connection, key, attempt, AttemptState.DONE, now, **facts)

    def fail(
        self,
        key: str,
        attempt: int,
        reason: str,
        *,
        counted: bool,
        final: bool,
        log: str = "",
        cost: float | None = None,
        failure: str | None = None,
    ) -> None:
        """An attempt failed; the job waits for the next one unless this was final."""
        now = self._clock()
        with self._write() as connection:
            state = JobState.FAILED if final else JobState.QUEUED
            changed = {
                "state": state,
                "reason": reason,
                "finished": now if final else None,
                "fraction": 0.0,
                "note": "",
            }
            failures = tables.jobs.c.failures + (1 if counted else 0)
            self._update(connection, key, attempt, **changed, failures=failures, claimed_by=None)
            facts = {"reason": reason, "log": log, "cost": cost, "failure": failure}
            self._end_attempt(connection, key, attempt, AttemptState.FAILED, now, **facts)

    def attempts(self, key: str) -> list[AttemptRecord]:
        """Every try at a job, oldest first."""
        with self._read() as connection:
            query = select(tables.attempts).where(tables.attempts.c.key == key).order_by(tables.attempts.c.number)
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return [AttemptRecord(**_without(row, "key") | {"state": AttemptState(row["state"])}) for row in rows]

    # Nodes

    def put_node(self, node: NodeRecord) -> None:
        """Write down what was found of a node."""
        table, values = tables.nodes, asdict(node)
        mine = (table.c.cluster == node.cluster) & (table.c.name == node.name)
        with self._write() as connection:
            if not connection.execute(table.update().where(mine).values(**values)).rowcount:
                connection.execute(table.insert().values(**values))

    def nodes(self, cluster: str | None = None) -> list[NodeRecord]:
        """Nodes that were looked at, of one cluster or of all."""
        table = tables.nodes
        query = select(table).order_by(table.c.cluster, table.c.host, table.c.name)
        with self._read() as connection:
            rows = connection.execute(query if cluster is None else query.where(table.c.cluster == cluster)).mappings()
            return [NodeRecord(**row) for row in rows]

    # Trials

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None:
        """Write a trial down, or what became of it; `search` tells searches of one sweep's name apart."""
        table = tables.trials
        mine = (table.c.sweep == sweep) & (table.c.search == search) & (table.c.number == trial.number)
        values = {
            "parameters": dict(trial.parameters), "distributions": dict(trial.distributions), "state": trial.state,
            "value": trial.value,
        }  # fmt: skip
        with self._write() as connection:
            if not connection.execute(table.update().where(mine).values(**values)).rowcount:
                connection.execute(table.insert().values(sweep=sweep, search=search, number=trial.number, **values))

    def trials(self, sweep: str, search: str) -> list[TrialRecord]:
        """Trials of a search in the order of their numbers."""
        table = tables.trials
        query = select(table).where(table.c.sweep == sweep, table.c.search == search).order_by(table.c.number)
        with self._read() as connection:
            return [
                TrialRecord(**_without(dict(row), "sweep", "search")) for row in connection.execute(query).mappings()
            ]

    # Inside

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with mapped(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with mapped(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def _jobs(self, *conditions: Any, sweep: str | None = None) -> list[JobRecord]:
        table, wanted = tables.jobs, tables.sweep_jobs
        # A job that several sweeps want has one row; outside any one sweep it shows the first that asked.
        query = select(table, wanted.c.sweep, wanted.c.label).join(wanted, wanted.c.key == table.c.key)
        query = query.where(*conditions).order_by(table.c.number, wanted.c.sweep)
        if sweep is not None:
            query = query.where(wanted.c.sweep == sweep)
        with self._read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return list({row["key"]: _record(row) for row in reversed(rows)}.values())[::-1]

    def _want(self, connection: Connection, order: Order) -> None:
        table, key = tables.sweep_jobs, order.job.key
        mine = (table.c.sweep == order.sweep) & (table.c.key == key)
        if not connection.execute(table.update().where(mine).values(label=order.label)).rowcount:
            connection.execute(table.insert().values(sweep=order.sweep, key=key, label=order.label))

    def _live(self, connection: Connection) -> list[SchedulerRecord]:
        table, here = tables.schedulers, socket.gethostname()
        rows = connection.execute(select(table).where(table.c.heartbeat >= self._clock() - STALE_SECONDS)).mappings()
        return [SchedulerRecord(**row) for row in rows if row["host"] != here or _exists(row["pid"])]

    def _account(self, connection: Connection, sweep: str) -> Account:
        table = tables.attempts
        query = select(func.coalesce(func.sum(table.c.reserved_hours), 0.0), func.count())
        query = query.where(table.c.state == AttemptState.RUNNING, table.c.sweep == sweep)
        spent = connection.execute(select(tables.sweeps.c.spent_hours).where(tables.sweeps.c.name == sweep)).scalar()
        reserved, running = connection.execute(query).one()
        return Account(spent=spent or 0.0, reserved=reserved, running=running)

    def _reserve(self, connection: Connection, sweep: str, slots: int, seconds: float | None, now: float) -> float:
        """GPU-hours to set aside for one more attempt; of a sweep's attempts one at a time passes here."""
        query = select(tables.sweeps.c.budget).where(tables.sweeps.c.name == sweep).with_for_update()
        budget = Budget(**connection.execute(query).scalar_one() or {})
        found = reservation(budget, self._account(connection, sweep), slots, seconds, now)
        if isinstance(found, str):
            raise OverBudget(found)
        return found

    def _update(self, connection: Connection, key: str, attempt: int, **changed: Any) -> None:
        """Change a job as its running attempt."""
        table = tables.jobs
        mine = (table.c.key == key) & (table.c.attempt == attempt) & (table.c.state == JobState.RUNNING)
        if not connection.execute(table.update().where(mine).values(**changed or {"attempt": attempt})).rowcount:
            raise LostClaim(f"attempt {attempt} at job {key[:12]} is not the running one any more")

    def _lose(self, connection: Connection, key: str, number: int, now: float, reason: str) -> None:
        """End an attempt that nobody saw end: it lived until its last heartbeat at least, and that is what is paid."""
        mine = (tables.attempts.c.key == key) & (tables.attempts.c.number == number)
        beaten = connection.execute(select(tables.attempts.c.heartbeat).where(mine)).scalar_one()
        self._end_attempt(connection, key, number, AttemptState.LOST, min(beaten, now), reason=reason)

    def _end_attempt(
        self, connection: Connection, key: str, number: int, state: AttemptState, now: float, **facts: Any
    ) -> None:
        """Write down how an attempt ended, and settle what it cost with the sweep that pays."""
        table, sweeps = tables.attempts, tables.sweeps
        mine = (table.c.key == key) & (table.c.number == number)
        row = connection.execute(select(table.c.sweep, table.c.slots, table.c.started).where(mine)).one()
        connection.execute(table.update().where(mine).values(state=state, ended=now, **facts))
        if row.sweep is not None:
            hours = sweeps.c.spent_hours + row.slots * max(0.0, now - row.started) / 3600
            connection.execute(sweeps.update().where(sweeps.c.name == row.sweep).values(spent_hours=hours))


def _record(row: dict[str, Any]) -> JobRecord:
    order = Order(
        job=Job.from_json(row["job"]),
        sweep=row["sweep"],
        label=row["label"],
        slots=row["slots"],
        places=row["places"],
        priority=row["priority"],
    )
    rest = _without(row, "kind", "job", "slots", "places", "priority", "number", "sweep", "label", "machine")
    return JobRecord(**rest | {"order": order, "state": JobState(row["state"])})


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
