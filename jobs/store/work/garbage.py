"""Contents that nothing needs any more, and why; and what else has to change when they are deleted."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from jobs.database import tables
from jobs.state import EventKind, JobState
from jobs.store.event_log import record_event
from jobs.store.submissions import submitted_contents
from jobs.store.transactions import Transactions
from jobs.store.work.contents import MAKES
from jobs.store.work.losses import requeue

OUTPUTS_DELETED = "its outputs were deleted while no sweep needed them"


class Reason(StrEnum):
    """Why a file is not needed."""

    UNREGISTERED = "not in the database: left by a crash"
    TEMPORARY = "temporary file: left by a crash"
    UNREFERENCED = "nothing refers to it any more"
    NO_SWEEP = "belongs to jobs that no sweep needs"
    CHECKPOINT = "checkpoint of a finished job"
    SHARD = "shard of a finished evaluation"
    FOLDER = "working folder of a finished job"
    PAGE = "page of a comparison, which golfsweep compare writes again"


class Garbage(Transactions):
    """Contents of a store that may be deleted. A content is needed if any job that a sweep needs makes or reads it."""

    def known_contents(self) -> dict[str, Reason | None]:
        """Every content that the database knows, and why it is not needed; None where it is."""
        with self._read() as connection:
            return _judge(connection, None)

    def knows_content(self, digest: str) -> bool:
        """Whether anything in the database refers to a content, needed or not."""
        with self._read() as connection:
            return bool(_judge(connection, [digest]))

    def finished_jobs(self) -> set[str]:
        """Keys of jobs that are done, those that no sweep needs included."""
        with self._read() as connection:
            query = select(tables.jobs.c.key).where(tables.jobs.c.state == JobState.DONE)
            return set(connection.execute(query).scalars())

    def forget_contents(self, digests: Collection[str]) -> list[str]:
        """Remove whatever refers to contents that are not needed; returns those whose files may be deleted now.

        What a sweep has come to need since they were listed stays. A job that is done and that no sweep needs would
        have to run again to get its outputs back, and is written down so.
        """
        with self._write() as connection:
            keys = _lock_jobs(connection, digests)
            reasons = {digest: reason for digest, reason in _judge(connection, digests).items() if reason is not None}
            unneeded = sorted(reasons)
            _forget(connection, unneeded, keys)
            for reason in Reason:
                if of_reason := [digest for digest in unneeded if reasons[digest] == reason]:
                    facts = {"reason": reason.value, "digests": of_reason}
                    record_event(connection, EventKind.CONTENT_DELETED, self._clock(), self.user, **facts)
        return unneeded

    def report_deleted(self, reason: Reason, names: Collection[str]) -> None:
        """Write an event for files that were deleted and that the database did not know."""
        with self._write() as connection:
            facts = {"reason": reason.value, "files": sorted(names)}
            record_event(connection, EventKind.CONTENT_DELETED, self._clock(), self.user, **facts)


def _judge(connection: Connection, digests: Collection[str] | None) -> dict[str, Reason | None]:
    """All known contents, or those of some digests, each with the reason for which it is not needed."""
    reasons: dict[str, Reason | None] = {}
    for reason, query, column in _references():
        rows = connection.execute(query if digests is None else query.where(column.in_(list(digests))))
        for digest in rows.scalars():
            reasons[digest] = reason
    submitted = submitted_contents(connection)
    return reasons | {digest: None for digest in submitted if digests is None or digest in digests}


def _references() -> Iterator[tuple[Reason | None, Select[Any], ColumnElement[Any]]]:
    """What refers to contents, the weakest first: a later reference overrules an earlier one."""
    jobs, links, shards, contents = tables.jobs, tables.content_links, tables.shards, tables.contents
    linked = select(links.c.digest)
    checkpoints = select(jobs.c.checkpoint).where(jobs.c.checkpoint.is_not(None))
    scored = select(shards.c.digest).join(jobs, jobs.c.key == shards.c.key)
    is_done = jobs.c.state == JobState.DONE
    yield Reason.UNREFERENCED, select(contents.c.digest), contents.c.digest
    yield Reason.NO_SWEEP, linked, links.c.digest
    yield Reason.NO_SWEEP, checkpoints, jobs.c.checkpoint
    yield Reason.NO_SWEEP, scored, shards.c.digest
    yield Reason.CHECKPOINT, checkpoints.where(is_done), jobs.c.checkpoint
    yield Reason.SHARD, scored.where(is_done), shards.c.digest
    yield None, linked.where(_is_needed(links.c.key)), links.c.digest
    yield None, checkpoints.where(~is_done, _is_needed(jobs.c.key)), jobs.c.checkpoint
    yield None, scored.where(~is_done, _is_needed(jobs.c.key)), shards.c.digest


def _is_needed(key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether any sweep needs a job."""
    needed = tables.sweep_jobs
    return select(needed.c.key).where(needed.c.key == key).exists()


def _lock_jobs(connection: Connection, digests: Collection[str]) -> list[str]:
    """Lock the jobs that refer to contents, so that no sweep comes to need one of them; returns their keys."""
    jobs, links, shards = tables.jobs, tables.content_links, tables.shards
    given = list(digests)
    query = select(jobs.c.key).where(
        jobs.c.key.in_(select(links.c.key).where(links.c.digest.in_(given)))
        | jobs.c.key.in_(select(shards.c.key).where(shards.c.digest.in_(given)))
        | jobs.c.checkpoint.in_(given)
    )
    return list(connection.execute(query.order_by(jobs.c.key).with_for_update()).scalars())


def _forget(connection: Connection, digests: list[str], keys: list[str]) -> None:
    jobs, links, shards, contents = tables.jobs, tables.content_links, tables.shards, tables.contents
    made = select(links.c.key).where(links.c.digest.in_(digests), links.c.role == MAKES, links.c.key.in_(keys))
    requeue(connection, list(connection.execute(made).scalars()), OUTPUTS_DELETED)
    connection.execute(jobs.update().where(jobs.c.checkpoint.in_(digests)), {"checkpoint": None})
    for table in (links, shards, contents):
        connection.execute(table.delete().where(table.c.digest.in_(digests)))
