"""Attempts: one try at a job by the scheduler that holds it, from its start to its end."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.state import AttemptState, JobState, may_follow
from jobs.store.rows import AttemptRecord, LostClaim
from jobs.store.transactions import Transactions
from jobs.store.work.accounts import end_attempt, set_aside


class Attempts(Transactions):
    """Attempts at a store's jobs. Whatever is told of one that is not the running one any more raises LostClaim."""

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
            LostClaim: the job is not this scheduler's to start, or its sweep does not run any more.
            OverBudget: the sweep cannot pay for it, or its deadline is too near.
        """
        table, now = tables.jobs, self._clock()
        query = select(table.c.state, table.c.claimed_by, table.c.attempt).where(table.c.key == key)
        with self._write() as connection:
            row = connection.execute(query.with_for_update()).one()
            if row.claimed_by != scheduler or not may_follow(JobState(row.state), JobState.RUNNING):
                raise LostClaim(f"job {key[:12]} is {row.state}, claimed by {row.claimed_by}")
            hours = 0.0 if sweep is None else set_aside(connection, sweep, slots, seconds, now)
            number: int = row.attempt + 1
            values = {
                "key": key, "number": number, "state": AttemptState.RUNNING, "scheduler": scheduler, "host": host,
                "workdir": workdir, "versions": dict(versions), "commit": commit, "started": now, "heartbeat": now,
                "node": node, "slots": slots, "sweep": sweep, "reserved_hours": hours,
            }  # fmt: skip
            connection.execute(tables.attempts.insert(), values)
            changed = {"state": JobState.RUNNING, "attempt": number, "fraction": 0.0, "note": "starting"}
            connection.execute(table.update().where(table.c.key == key), changed)
        return number

    def reserve(self, key: str, attempt: int, hours: float) -> None:
        """Set another amount aside for a running attempt, now that more is known of it."""
        with self._write() as connection:
            _update_attempt(connection, key, attempt, reserved_hours=hours)

    def progress(self, key: str, attempt: int, fraction: float, note: str, log: str | None = None) -> None:
        """How far an attempt is, and the last lines that it printed if there are new ones; also its heartbeat."""
        facts = {"heartbeat": self._clock()} | ({} if log is None else {"log": log})
        with self._write() as connection:
            _update_job(connection, key, attempt, fraction=fraction, note=note)
            _update_attempt(connection, key, attempt, **facts)

    def put_checkpoint(self, key: str, attempt: int, digest: str) -> str | None:
        """The state from which the job can go on; returns the one that it replaces."""
        with self._write() as connection:
            query = select(tables.jobs.c.checkpoint).where(tables.jobs.c.key == key)
            before: str | None = connection.execute(query).scalar_one()
            _update_job(connection, key, attempt, checkpoint=digest)
        return None if before == digest else before

    def put_shard(self, key: str, attempt: int, index: int, digest: str) -> None:
        """Scores of some documents, kept whatever becomes of the attempt."""
        table = tables.shards
        with self._write() as connection:
            _update_job(connection, key, attempt, attempt=attempt)  # only to hold the claim
            connection.execute(table.delete().where(table.c.key == key, table.c.index == index))
            connection.execute(table.insert(), {"key": key, "index": index, "digest": digest})

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
    ) -> None:
        """The job's one success."""
        now = self._clock()
        changed = {
            "state": JobState.DONE, "outputs": dict(outputs), "finished": now, "seconds": seconds, "fraction": 1.0,
            "note": "", "claimed_by": None, "checkpoint": None,
        }  # fmt: skip
        with self._write() as connection:
            _update_job(connection, key, attempt, **changed)
            end_attempt(connection, key, attempt, AttemptState.DONE, now, peak_bytes=peak_bytes)

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
    ) -> None:
        """An attempt failed; the job waits for the next one unless this was final."""
        now = self._clock()
        changed = {
            "state": JobState.FAILED if final else JobState.QUEUED, "reason": reason,
            "finished": now if final else None, "fraction": 0.0, "note": "",
            "failures": tables.jobs.c.failures + (1 if counted else 0), "claimed_by": None,
        }  # fmt: skip
        facts = {"reason": reason, "log": log, "failure": failure}
        with self._write() as connection:
            _update_job(connection, key, attempt, **changed)
            end_attempt(connection, key, attempt, AttemptState.FAILED, now, **facts)

    def attempts(self, key: str) -> list[AttemptRecord]:
        """Every try at a job, oldest first."""
        table = tables.attempts
        query = select(*(column for column in table.c if column.name != "key")).where(table.c.key == key)
        with self._read() as connection:
            rows = connection.execute(query.order_by(table.c.number)).mappings()
            return [AttemptRecord(**{**row, "state": AttemptState(row["state"])}) for row in rows]


def _update_job(connection: Connection, key: str, number: int, **changed: Any) -> None:
    """Change a job as its running attempt."""
    table = tables.jobs
    mine = (table.c.key == key) & (table.c.attempt == number) & (table.c.state == JobState.RUNNING)
    if not connection.execute(table.update().where(mine).values(**changed)).rowcount:
        raise LostClaim(f"attempt {number} at job {key[:12]} is not the running one any more")


def _update_attempt(connection: Connection, key: str, number: int, **changed: Any) -> None:
    table = tables.attempts
    mine = (table.c.key == key) & (table.c.number == number)
    connection.execute(table.update().where(mine), changed)
