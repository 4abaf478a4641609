"""Attempts: one try at a job by the scheduler that holds it, from its start to its end."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, select

from golf.errors import InputError, shown
from jobs.database import tables
from jobs.errors import LostClaim, OverBudget
from jobs.events import Failure
from jobs.machine.host import identity
from jobs.spec import Job
from jobs.stages.registry import stage_of
from jobs.state import AttemptState, EventKind, JobState, may_follow
from jobs.store.event_log import record_event
from jobs.store.results.entries import withdraw_entries
from jobs.store.rows import AttemptRecord
from jobs.store.transactions import Transactions
from jobs.store.work.accounts import elapsed, end_attempt, reserve_hours
from jobs.store.work.contents import add_content, drop_content, has_succeeded, link_outputs


class Attempts(Transactions):
    """Attempts at a store's jobs. Reports of an attempt that is not the running one any more raise LostClaim."""

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
        """A claimed job starts to run, and the hours that it may cost are reserved; returns the attempt's number.

        Args:
            key, scheduler: the job, and who claimed it.
            host, workdir, versions, commit, node, slots: what it runs on.
            sweep: the sweep that pays.
            seconds: what it takes at most; None if unknown.

        Raises:
            LostClaim: the job is not this scheduler's to start, or its sweep is not running any more.
            OverBudget: the sweep cannot pay for it, or its deadline is too near.
        """
        facts: dict[str, Any] = {
            "key": key, "state": AttemptState.RUNNING, "scheduler": scheduler, "host": host, "workdir": workdir,
            "versions": dict(versions), "commit": commit, "node": node, "slots": slots, "sweep": sweep,
        }  # fmt: skip
        try:
            return self._start_attempt(facts, seconds)
        except OverBudget as refusal:  # that transaction is rolled back, and so would be an event in it
            with self._write() as connection:
                about = {"sweep": sweep, "key": key, "reason": str(refusal)}
                record_event(connection, EventKind.BUDGET_REFUSED, self._clock(), scheduler, **about)
            raise

    def _start_attempt(self, facts: dict[str, Any], seconds: float | None) -> int:
        table, now = tables.jobs, self._clock()
        key, scheduler, sweep, slots = (facts[name] for name in ("key", "scheduler", "sweep", "slots"))
        query = select(table.c.state, table.c.claimed_by, table.c.attempt).where(table.c.key == key)
        with self._write() as connection:
            row = connection.execute(query.with_for_update()).one()
            if row.claimed_by != scheduler or not may_follow(JobState(row.state), JobState.RUNNING):
                raise LostClaim(f"job {key[:12]} is {row.state}, claimed by {row.claimed_by}")
            hours = 0.0 if sweep is None else reserve_hours(connection, sweep, slots, seconds, self._date())
            number: int = row.attempt + 1
            values: dict[str, Any] = {"number": number, "started": now, "heartbeat": now, "reserved_hours": hours}
            values |= {"clock": identity(), "begun": self._ticks()}
            connection.execute(tables.attempts.insert(), facts | values)
            changed = {"state": JobState.RUNNING, "attempt": number, "fraction": 0.0, "note": "starting"}
            connection.execute(table.update().where(table.c.key == key), changed)
            about = {"sweep": sweep, "key": key, "attempt": number, "host": facts["host"], "slots": slots}
            record_event(connection, EventKind.ATTEMPT_STARTED, now, scheduler, **about)
        return number

    def reserve(self, key: str, attempt: int, hours: float) -> None:
        """Reserve another number of hours for a running attempt, now that more is known of it."""
        with self._write() as connection:
            _update_attempt(connection, key, attempt, reserved_hours=hours)

    def progress(self, key: str, attempt: int, fraction: float, note: str, log: str | None = None) -> None:
        """Write how far an attempt is, and the last lines that it printed if there are new ones; also its heartbeat."""
        facts: dict[str, Any] = {"heartbeat": self._clock(), "seconds": elapsed(self._ticks())}
        facts |= {} if log is None else {"log": log}
        with self._write() as connection:
            _update_job(connection, key, attempt, fraction=fraction, note=note)
            _update_attempt(connection, key, attempt, **facts)

    def put_checkpoint(self, key: str, attempt: int, digest: str, size: int) -> str | None:
        """Keep the state from which the job can go on, of so many bytes; returns the one before if its file may go."""
        with self._write() as connection:
            before = _checkpoint(connection, key)
            _update_job(connection, key, attempt, checkpoint=digest)
            add_content(connection, digest, size, self._clock())
            replaced = before is not None and before != digest
            return before if replaced and drop_content(connection, before or "") else None

    def put_shard(self, key: str, attempt: int, index: int, digest: str, size: int) -> None:
        """Keep scores of some documents, of so many bytes, whatever becomes of the attempt."""
        table = tables.shards
        with self._write() as connection:
            _update_job(connection, key, attempt, attempt=attempt)  # only to make sure of the claim
            connection.execute(table.delete().where(table.c.key == key, table.c.index == index))
            connection.execute(table.insert(), {"key": key, "index": index, "digest": digest})
            add_content(connection, digest, size, self._clock())

    def shards(self, key: str) -> dict[int, str]:
        """Digests of an evaluation's finished shards by number."""
        table = tables.shards
        query = select(table.c.index, table.c.digest).where(table.c.key == key).order_by(table.c.index)
        with self._read() as connection:
            return {index: digest for index, digest in connection.execute(query)}

    def finish(
        self,
        key: str,
        attempt: int,
        outputs: Mapping[str, Any],
        *,
        seconds: float,
        peak_bytes: int | None,
        sizes: Mapping[str, int] = MappingProxyType({}),
    ) -> str | None:
        """Write the job's one success down; returns the checkpoint that it had if its file may go.

        Args:
            key, attempt: the job, and its running attempt.
            outputs: by name, as plain JSON.
            seconds: how long the attempt ran, by a clock that nobody sets; its sweep pays for them.
            peak_bytes: memory.
            sizes: bytes by digest, of those outputs that are contents of the file store.
        """
        now = self._clock()
        changed = {
            "state": JobState.DONE, "outputs": dict(outputs), "finished": now, "seconds": seconds, "fraction": 1.0,
            "note": "", "claimed_by": None, "checkpoint": None,
        }  # fmt: skip
        with self._write() as connection:
            checkpoint, replaced = _checkpoint(connection, key), _replaced(connection, key, outputs)
            _update_job(connection, key, attempt, **changed)
            link_outputs(connection, key, outputs, sizes, now)
            ended = end_attempt(connection, key, attempt, AttemptState.DONE, now, seconds, peak_bytes=peak_bytes)
            about = {"sweep": ended.sweep, "key": key, "attempt": attempt}
            record_event(connection, EventKind.JOB_DONE, now, ended.scheduler, **about, seconds=seconds)
            if replaced:
                withdraw_entries(connection, key, replaced, now, ended.scheduler)
            return checkpoint if checkpoint is not None and drop_content(connection, checkpoint) else None

    def fail(
        self,
        key: str,
        attempt: int,
        reason: str,
        *,
        counted: bool,
        final: bool,
        log: str = "",
        failure: str | None = None,
        seconds: float | None = None,
        outputs: Mapping[str, Any] = MappingProxyType({}),
        sizes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Write down that an attempt failed; the job waits for the next one unless this was final.

        Args:
            key, attempt: the job, and its running attempt.
            reason: what went wrong.
            counted: whether it is the job's own fault.
            final: whether it is not retried.
            log: the last lines that it printed.
            failure: the kind of failure.
            seconds: how long the attempt ran, as in `finish`; until now by default.
            outputs: digests by name of what it completed before it failed; all its outputs if that was all of its work.
                A job that has failed for good keeps them unless it has outputs of an earlier success.
            sizes: bytes by digest, of those outputs.

        Raises:
            InputError: there is no such kind of failure.
        """
        if failure is not None and failure not in list(Failure):  # whoever schedules it next has to know it
            raise InputError(f"failure = {shown(failure)}: expected one of {', '.join(Failure)}")
        now, ran = self._clock(), elapsed(self._ticks()) if seconds is None else seconds
        changed: dict[str, Any] = {
            "state": JobState.FAILED if final else JobState.QUEUED, "reason": reason,
            "finished": now if final else None, "fraction": 0.0, "note": "",
            "failures": tables.jobs.c.failures + (1 if counted else 0), "claimed_by": None,
        }  # fmt: skip
        facts = {"reason": reason, "log": log, "failure": failure}
        with self._write() as connection:
            if final and outputs and not has_succeeded(connection, key):
                changed["outputs"] = dict(outputs)
                link_outputs(connection, key, outputs, sizes, now)
            _update_job(connection, key, attempt, **changed)
            ended = end_attempt(connection, key, attempt, AttemptState.FAILED, now, ran, **facts)
            kind = EventKind.JOB_FAILED if final else EventKind.JOB_REQUEUED
            about = {"sweep": ended.sweep, "key": key, "attempt": attempt, "reason": reason, "failure": failure}
            record_event(connection, kind, now, ended.scheduler, **about)

    def attempts(self, key: str) -> list[AttemptRecord]:
        """Every try at a job, oldest first."""
        return self.attempts_at([key])[key]

    def attempts_at(self, keys: Collection[str]) -> dict[str, list[AttemptRecord]]:
        """Every try at some jobs by the job's key, oldest first."""
        table = tables.attempts
        columns = [column for column in table.c if column.name not in {"clock", "begun"}]
        query = select(*columns).where(table.c.key.in_(list(keys))).order_by(table.c.number)
        tries: dict[str, list[AttemptRecord]] = {key: [] for key in keys}
        with self._read() as connection:
            for row in connection.execute(query).mappings():
                fields = {**row, "state": AttemptState(row["state"])}
                tries[fields.pop("key")].append(AttemptRecord(**fields))
        return tries


def _checkpoint(connection: Connection, key: str) -> str | None:
    digest: str | None = connection.execute(select(tables.jobs.c.checkpoint).where(tables.jobs.c.key == key)).scalar()
    return digest


def _replaced(connection: Connection, key: str, outputs: Mapping[str, Any]) -> dict[str, str]:
    """Digests, with their names, of outputs of an earlier success that came out otherwise this time; those that only
    reports show are not among them.
    """
    row = connection.execute(select(tables.jobs.c.job, tables.jobs.c.outputs).where(tables.jobs.c.key == key)).one()
    stage = stage_of(Job.from_json(row.job))
    names = [name for name in stage.contents if name not in stage.shown]
    before = {name: (row.outputs or {}).get(name) for name in names}
    return {digest: name for name, digest in before.items() if digest is not None and digest != outputs.get(name)}


def _update_job(connection: Connection, key: str, number: int, **changed: Any) -> None:
    """Change a job as its running attempt."""
    table = tables.jobs
    this_row = (table.c.key == key) & (table.c.attempt == number) & (table.c.state == JobState.RUNNING)
    if not connection.execute(table.update().where(this_row).values(**changed)).rowcount:
        raise LostClaim(f"attempt {number} at job {key[:12]} is not the running one any more")


def _update_attempt(connection: Connection, key: str, number: int, **changed: Any) -> None:
    table = tables.attempts
    this_row = (table.c.key == key) & (table.c.number == number)
    connection.execute(table.update().where(this_row).values(**changed))
