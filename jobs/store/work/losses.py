"""Contents that were lost: whoever referred to one goes on without it, or waits until it is made again."""

from sqlalchemy import Connection, Text, cast, func, select

from jobs.database import tables
from jobs.state import AttemptState, JobState
from jobs.store.transactions import Transactions

MOST_DONE = 3
"""Times that a job is done; a file store that loses its results again and again is to be repaired, not fed."""
STARTS_OVER = "its checkpoint could not be read: it started over"
MADE_AGAIN = "what it had made could not be read: made again"
READS_LOST = "what it reads could not be read"


class Losses(Transactions):
    """Lost contents of a store."""

    def lose_content(self, digest: str) -> bool:
        """A content cannot be read any more; returns whether the work goes on without it.

        A training starts over without its checkpoint, and a lost shard is scored again. The job that made an output is
        done again, unless that was MOST_DONE times in vain; those that wait to read it are taken from their sweeps,
        whose drivers ask for them again when what they read is there.
        """
        table, shards = tables.jobs, tables.shards
        with self._write() as connection:
            without = table.update().where(table.c.checkpoint == digest)
            forgotten = connection.execute(without, {"checkpoint": None, "reason": STARTS_OVER}).rowcount
            forgotten += connection.execute(shards.delete().where(shards.c.digest == digest)).rowcount
            makers = _makers(connection, digest)
            if makers:
                _make_again(connection, makers)
                _take_back(connection, digest)
        return bool(forgotten or makers)


def _makers(connection: Connection, digest: str) -> list[str]:
    """Jobs that have made a content, and are done or at it again."""
    table, attempts = tables.jobs, tables.attempts
    often = select(attempts.c.key).where(attempts.c.state == AttemptState.DONE).group_by(attempts.c.key)
    query = select(table.c.key).where(
        cast(table.c.outputs, Text).contains(digest),
        table.c.state.in_([JobState.DONE, JobState.QUEUED, JobState.RUNNING]),
        (table.c.state != JobState.DONE) | table.c.key.not_in(often.having(func.count() >= MOST_DONE)),
    )
    return list(connection.execute(query.order_by(table.c.key).with_for_update()).scalars())


def _make_again(connection: Connection, keys: list[str]) -> None:
    """Finished jobs are to be done once more; their outputs stay, since they tell who made what."""
    table = tables.jobs
    finished = table.c.key.in_(keys) & (table.c.state == JobState.DONE)
    changed = {
        "state": JobState.QUEUED, "reason": MADE_AGAIN, "failures": 0, "fraction": 0.0, "finished": None,
        "seconds": None, "attempts_before_request": table.c.attempt,
    }  # fmt: skip
    connection.execute(table.update().where(finished).values(changed))


def _take_back(connection: Connection, digest: str) -> None:
    """Jobs that wait to read a content are no longer asked for."""
    table, wanted = tables.jobs, tables.sweep_jobs
    waiting = (table.c.state == JobState.QUEUED) & table.c.job.contains(digest)
    keys = list(connection.execute(select(table.c.key).where(waiting).with_for_update()).scalars())
    changed = {"state": JobState.CANCELLED, "reason": READS_LOST}
    connection.execute(table.update().where(table.c.key.in_(keys)), changed)
    connection.execute(wanted.delete().where(wanted.c.key.in_(keys)))
