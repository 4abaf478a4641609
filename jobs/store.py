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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from golf.errors import InputError
from jobs import tables
from jobs.spec import Job, Order
from jobs.state import AttemptState, JobState, may_follow

HEAD = "0002"
"""The version of the tables that this code reads and writes."""
STALE_SECONDS = 30.0
"""A scheduler whose last heartbeat is older than this has lost its claims."""
BUSY_SECONDS = 30.0


class LostClaim(RuntimeError):
    """Somebody else has the job now; what this attempt brings is not wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """A job and where it stands."""

    key: str
    order: Order
    state: JobState
    created: float
    failures: int
    """Attempts that failed by the job's own fault."""
    claimed_by: str | None
    attempt: int
    """Number of the last attempt, from 1; 0 before the first."""
    fraction: float
    note: str
    checkpoint: str | None
    outputs: Mapping[str, Any] | None
    reason: str | None
    finished: float | None
    seconds: float | None
    """Wall time of the attempt that succeeded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRecord:
    """One try at a job."""

    number: int
    state: AttemptState
    scheduler: str
    host: str
    workdir: str
    versions: Mapping[str, str]
    commit: str | None
    started: float
    heartbeat: float
    ended: float | None
    reason: str | None
    log: str | None
    peak_bytes: int | None
    cost: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """A trial of a search."""

    number: int
    parameters: Mapping[str, Any]
    distributions: Mapping[str, str]
    """Name → Optuna's JSON."""
    state: str
    """running, complete or failed."""
    value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRecord:
    """A sweep that was started: its file as plain data, and what it was resolved to."""

    name: str
    spec: Mapping[str, Any]
    created: float
    state: str


class Store:
    """Open with `Store.open`."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine, self._clock = engine, clock

    @classmethod
    def open(cls, url: str, clock: Callable[[], float] = time.time) -> "Store":
        """Open a database, making or migrating its tables if need be.

        Raises:
            InputError: it cannot be opened, is something else's, or of a later version.
        """
        shown = _shown(url)
        try:
            engine = _engine(url)
            with engine.connect() as connection:
                found = inspect(connection).get_table_names()
                version = _version(connection) if "alembic_version" in found else None
            if version != HEAD:
                _migrate(engine, shown, version, found)
        except (DBAPIError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
            raise InputError(
                f"database {shown}: cannot be opened ({reason}); expected a writable path or a URL"
            ) from None
        return cls(engine, clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    # Sweeps

    def put_sweep(self, name: str, spec: Mapping[str, Any]) -> None:
        """Write a sweep down, or its new definition; it is running from now on."""
        values = {"name": name, "spec": dict(spec), "created": self._clock(), "state": "running"}
        with self._write() as connection:
            known = connection.execute(select(tables.sweeps.c.created).where(tables.sweeps.c.name == name)).scalar()
            if known is None:
                connection.execute(tables.sweeps.insert().values(**values))
            else:
                changed = {"spec": dict(spec), "state": "running"}
                connection.execute(tables.sweeps.update().where(tables.sweeps.c.name == name).values(**changed))

    def set_sweep_state(self, name: str, state: str) -> None:
        """running, done, failed or stopped."""
        with self._write() as connection:
            connection.execute(tables.sweeps.update().where(tables.sweeps.c.name == name).values(state=state))

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
                    "fraction": 0.0, "note": "",
                }  # fmt: skip
                connection.execute(table.insert().values(**values))
            else:
                changed: dict[str, Any] = {
                    "priority": max(order.priority, row["priority"]),
                    "places": dict(order.places),
                }
                if row["state"] in (JobState.FAILED, JobState.CANCELLED):
                    changed |= {"state": JobState.QUEUED, "failures": 0, "reason": None}
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

    # Schedulers and claims

    def beat(self, scheduler: str) -> None:
        """Say that a scheduler is alive; the first beat registers it."""
        values = {"host": socket.gethostname(), "pid": os.getpid(), "heartbeat": self._clock()}
        table = tables.schedulers
        with self._write() as connection:
            changed = connection.execute(table.update().where(table.c.name == scheduler).values(**values))
            if not changed.rowcount:
                connection.execute(table.insert().values(name=scheduler, **values))

    def forget_scheduler(self, scheduler: str) -> None:
        """A scheduler that ends orderly says so; whatever it still holds is free at once."""
        with self._write() as connection:
            connection.execute(tables.schedulers.delete().where(tables.schedulers.c.name == scheduler))

    def live_schedulers(self) -> list[str]:
        """Schedulers whose heartbeat is fresh and whose process, if it is of this machine, exists."""
        with self._read() as connection:
            return self._live(connection)

    def claim(self, scheduler: str, limit: int) -> list[JobRecord]:
        """Take up to `limit` jobs that nobody alive holds: highest priority first, then oldest.

        A job that a dead scheduler was running is among them; its attempt ends as lost, which counts against nobody.
        """
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            live = self._live(connection)
            free = table.c.claimed_by.is_(None) | table.c.claimed_by.not_in(live)
            open_states = table.c.state.in_([JobState.QUEUED, JobState.RUNNING])
            query = select(table.c.key, table.c.state, table.c.attempt).where(open_states, free)
            query = (
                query.order_by(table.c.priority.desc(), table.c.number).limit(limit).with_for_update(skip_locked=True)
            )
            rows = connection.execute(query).all()
            for key, state, attempt in rows:
                if state == JobState.RUNNING:
                    self._end_attempt(connection, key, attempt, AttemptState.LOST, now, reason="its scheduler died")
                changed = {"claimed_by": scheduler, "state": JobState.QUEUED, "fraction": 0.0, "note": ""}
                connection.execute(table.update().where(table.c.key == key).values(**changed))
        found = {job.key: job for job in self._jobs(table.c.key.in_([row.key for row in rows]))} if rows else {}
        return [found[row.key] for row in rows]

    def release(self, keys: Sequence[str]) -> None:
        """Give claimed jobs back that were not started, or were ended on purpose."""
        table = tables.jobs
        with self._write() as connection:
            for key in keys:
                row = connection.execute(select(table.c.state, table.c.attempt).where(table.c.key == key)).one()
                if row.state == JobState.RUNNING:
                    self._end_attempt(connection, key, row.attempt, AttemptState.LOST, self._clock(), reason="stopped")
                if row.state in (JobState.QUEUED, JobState.RUNNING):
                    changed = {"state": JobState.QUEUED, "claimed_by": None, "fraction": 0.0, "note": ""}
                    connection.execute(table.update().where(table.c.key == key).values(**changed))

    def start_attempt(
        self, key: str, scheduler: str, *, host: str, workdir: str, versions: Mapping[str, str], commit: str | None
    ) -> int:
        """A claimed job starts to run; returns the attempt's number.

        Raises:
            LostClaim: the job is not this scheduler's to start.
        """
        table, now = tables.jobs, self._clock()
        with self._write() as connection:
            row = connection.execute(select(table).where(table.c.key == key)).mappings().one()
            if row["claimed_by"] != scheduler or not may_follow(JobState(row["state"]), JobState.RUNNING):
                raise LostClaim(f"job {key[:12]} is {row['state']}, claimed by {row['claimed_by']}")
            number: int = row["attempt"] + 1
            values = {
                "key": key, "number": number, "state": AttemptState.RUNNING, "scheduler": scheduler, "host": host,
                "workdir": workdir, "versions": dict(versions), "commit": commit, "started": now, "heartbeat": now,
            }  # fmt: skip
            connection.execute(tables.attempts.insert().values(**values))
            changed = {"state": JobState.RUNNING, "attempt": number, "fraction": 0.0, "note": "starting"}
            connection.execute(table.update().where(table.c.key == key).values(**changed))
        return number

    def progress(self, key: str, attempt: int, fraction: float, note: str) -> None:
        """How far an attempt is; also its heartbeat."""
        with self._write() as connection:
            self._update(connection, key, attempt, fraction=fraction, note=note)
            mine = (tables.attempts.c.key == key) & (tables.attempts.c.number == attempt)
            connection.execute(tables.attempts.update().where(mine).values(heartbeat=self._clock()))

    def put_checkpoint(self, key: str, attempt: int, digest: str) -> None:
        """The state from which the job can go on."""
        with self._write() as connection:
            self._update(connection, key, attempt, checkpoint=digest)

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
            facts = {"reason": reason, "log": log, "cost": cost}
            self._end_attempt(connection, key, attempt, AttemptState.FAILED, now, **facts)

    def attempts(self, key: str) -> list[AttemptRecord]:
        """Every try at a job, oldest first."""
        with self._read() as connection:
            query = select(tables.attempts).where(tables.attempts.c.key == key).order_by(tables.attempts.c.number)
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return [AttemptRecord(**_without(row, "key") | {"state": AttemptState(row["state"])}) for row in rows]

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
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
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

    def _live(self, connection: Connection) -> list[str]:
        table, here = tables.schedulers, socket.gethostname()
        rows = connection.execute(select(table).where(table.c.heartbeat >= self._clock() - STALE_SECONDS))
        return [row.name for row in rows if row.host != here or _exists(row.pid)]

    def _update(self, connection: Connection, key: str, attempt: int, **changed: Any) -> None:
        """Change a job as its running attempt."""
        table = tables.jobs
        mine = (table.c.key == key) & (table.c.attempt == attempt) & (table.c.state == JobState.RUNNING)
        if not connection.execute(table.update().where(mine).values(**changed or {"attempt": attempt})).rowcount:
            raise LostClaim(f"attempt {attempt} at job {key[:12]} is not the running one any more")

    def _end_attempt(
        self, connection: Connection, key: str, number: int, state: AttemptState, now: float, **facts: Any
    ) -> None:
        mine = (tables.attempts.c.key == key) & (tables.attempts.c.number == number)
        connection.execute(tables.attempts.update().where(mine).values(state=state, ended=now, **facts))


def _record(row: dict[str, Any]) -> JobRecord:
    order = Order(
        job=Job.from_json(row["job"]),
        sweep=row["sweep"],
        label=row["label"],
        slots=row["slots"],
        places=row["places"],
        priority=row["priority"],
    )
    rest = _without(row, "kind", "job", "slots", "places", "priority", "number", "sweep", "label")
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


def _shown(url: str) -> str:
    """A URL as it may be shown: without its password.

    Raises:
        InputError: it is no database URL.
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        raise InputError(
            "--db: not a database URL; expected e.g. sqlite:///path/to/file.db or postgresql://…"
        ) from None


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as error:
        raise InputError(f"--db: no driver for {parsed.drivername} ({error}); install golfsweep[postgresql]") from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _: Any) -> None:
    """Leave transactions to SQLAlchemy (its documented recipe), wait for locks, let readers read beside a writer."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not be upgraded beside another's write."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(connection: Connection) -> str | None:
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _migrate(engine: Engine, shown: str, version: str | None, found: Sequence[str]) -> None:
    """Bring the tables to HEAD.

    Raises:
        InputError: the database is not ours, or is newer than this code.
    """
    if version is None and found:
        raise InputError(
            f"database {shown}: holds tables of something else ({found[0]}); name another file or database"
        )
    if version is not None and version > HEAD:
        raise InputError(f"database {shown}: of version {version}, this golfsweep knows {HEAD}; upgrade golfsweep")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        # Two processes may open a new database at once: the second finds it made when it gets the lock.
        if _has_version(connection) and _version(connection) == HEAD:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _has_version(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")
