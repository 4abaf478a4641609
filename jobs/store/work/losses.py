"""Lost contents: a job that refers to one continues without it, or waits until it is made once more."""

from sqlalchemy import Connection, Select, func, select

from jobs.database import tables
from jobs.state import EventKind, JobState
from jobs.store.event_log import record_event
from jobs.store.rows import is_complete
from jobs.store.transactions import Transactions
from jobs.store.work.contents import MAKES, READS

MOST_DONE = 3
"""Times that a job is done; a file store that loses its results again and again must be repaired instead. Who reports a
loss says from when on they count, so that a new run tries again."""
STARTS_OVER = "its checkpoint could not be read: it started over"
REMADE = "its outputs could not be read: they are made again"
READS_LOST = "an input of it could not be read"


class Losses(Transactions):
    """Lost contents of a store."""

    def lose_content(self, digest: str, since: int = 0) -> bool:
        """Report that a content cannot be read any more; returns whether the work goes on without it.

        A training starts over without its checkpoint, and a lost shard is scored again. The job that made an output is
        done again, unless that was MOST_DONE times in vain since an event, given by number. Jobs that wait to read it
        are taken from their sweeps, whose drivers request them again when the content is there.
        """
        table, shards, now = tables.jobs, tables.shards, self._clock()
        with self._write() as connection:
            without = table.update().where(table.c.checkpoint == digest)
            dropped = connection.execute(without, {"checkpoint": None, "reason": STARTS_OVER}).rowcount
            # A single shard is the same content as the scores that it was merged into: a finished job needs it no more.
            unfinished = shards.c.key.in_(select(table.c.key).where(table.c.state != JobState.DONE))
            lost = shards.delete().where(shards.c.digest == digest)
            dropped += connection.execute(lost.where(unfinished)).rowcount
            connection.execute(lost)
            makers = _makers(connection, digest, since)
            record_event(connection, EventKind.CONTENT_LOST, now, self.user, digest=digest, makers=makers)
            is_made_again = bool(makers) or _waits_itself(connection, digest)
            if is_made_again:
                for key in requeue(connection, makers, REMADE):
                    record_event(connection, EventKind.JOB_REQUEUED, now, self.user, key=key, reason=REMADE)
                for sweep, key in _take_back(connection, digest):
                    about = {"sweep": sweep, "key": key, "reason": READS_LOST}
                    record_event(connection, EventKind.JOB_WITHDRAWN, now, self.user, **about)
        return bool(dropped) or is_made_again


def _makers(connection: Connection, digest: str, since: int) -> list[str]:
    """Jobs that have made a content, and are done or running once more, or failed after all was made."""
    table, events = tables.jobs, tables.events
    successes = events.c.kind.in_([EventKind.JOB_DONE, EventKind.JOB_FAILED]) & (events.c.id > since)
    often = select(events.c.key).where(successes).group_by(events.c.key)
    again = table.c.state.in_([JobState.QUEUED, JobState.RUNNING])
    query = select(table.c.key, table.c.state, table.c.outputs).where(
        table.c.key.in_(_linked(digest, MAKES)),
        again | table.c.state.in_([JobState.DONE, JobState.FAILED]),
        again | table.c.key.not_in(often.having(func.count() >= MOST_DONE)),
    )
    rows = connection.execute(query.order_by(table.c.key).with_for_update())
    return [row.key for row in rows if row.state != JobState.FAILED or is_complete(row.outputs)]


def _waits_itself(connection: Connection, digest: str) -> bool:
    """Whether a job that made a content was taken from its sweep, because an input of its own is lost, too."""
    table = tables.jobs
    taken_back = (table.c.state == JobState.CANCELLED) & (table.c.reason == READS_LOST)
    query = select(table.c.key).where(table.c.key.in_(_linked(digest, MAKES)), taken_back)
    return connection.execute(query).first() is not None


def requeue(connection: Connection, keys: list[str], reason: str) -> list[str]:
    """Queue finished jobs, and some that failed, once more; returns their keys.

    Their outputs stay in the row until they are made again, to tell then whether they are the same.
    """
    table = tables.jobs
    finished = table.c.key.in_(keys) & table.c.state.in_([JobState.DONE, JobState.FAILED])
    changed = {
        "state": JobState.QUEUED, "reason": reason, "failures": 0, "fraction": 0.0, "finished": None,
        "seconds": None, "attempts_before_request": table.c.attempt,
    }  # fmt: skip
    queued = connection.execute(table.update().where(finished).values(changed).returning(table.c.key))
    return list(queued.scalars())


def _take_back(connection: Connection, digest: str) -> list[tuple[str, str]]:
    """Take jobs that wait to read a content from their sweeps; returns the sweeps and keys."""
    table, needed, entries = tables.jobs, tables.sweep_jobs, tables.job_entries
    waiting = (table.c.state == JobState.QUEUED) & table.c.key.in_(_linked(digest, READS))
    keys = list(connection.execute(select(table.c.key).where(waiting).with_for_update()).scalars())
    changed = {"state": JobState.CANCELLED, "reason": READS_LOST}
    connection.execute(table.update().where(table.c.key.in_(keys)), changed)
    connection.execute(entries.delete().where(entries.c.key.in_(keys)))
    taken = connection.execute(needed.delete().where(needed.c.key.in_(keys)).returning(needed.c.sweep, needed.c.key))
    return [(sweep, key) for sweep, key in taken]


def _linked(digest: str, role: str) -> Select[tuple[str]]:
    """Keys of the jobs that make or read a content."""
    links = tables.content_links
    return select(links.c.key).where(links.c.digest == digest, links.c.role == role)
