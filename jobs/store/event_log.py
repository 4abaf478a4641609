"""Writing events: each in the transaction of the change that it reports, and as the last statement of it.

Numbers of events are a cursor: a reader who has seen number n has seen every smaller one. On PostgreSQL transactions
may commit in another order than they took their numbers in, so each takes an advisory lock just before it takes numbers
and keeps it until it has committed. Nobody waits for anything while holding that lock, so it cannot cause a deadlock:
events are collected while a transaction runs, and written when it has nothing else left to do.
"""

from typing import Any

from sqlalchemy import Connection

from jobs.database import tables
from jobs.database.engine import hold
from jobs.state import EventKind

SUBJECTS = ("sweep", "entry", "key")
_PENDING = "events to be written"


def begin_events(connection: Connection) -> None:
    """A transaction begins; whatever an earlier one on the same connection rolled back is forgotten."""
    connection.info[_PENDING] = []


def record_event(connection: Connection, kind: EventKind, now: float, who: str, **facts: Any) -> None:
    """Report what this transaction changes; written with it, or not at all.

    Args:
        connection: within `Transactions._write`.
        kind: what happened.
        now: epoch seconds.
        who: the scheduler's or driver's name, or the user's for a command.
        facts: `sweep`, `entry` and `key` (a job's) as far as it happened to one; all others are detail, as plain JSON.
    """
    subject = {name: facts.pop(name, None) for name in SUBJECTS}
    event = {"time": now, "kind": kind, "who": who, **subject, "detail": facts}
    connection.info[_PENDING].append(event)


def write_events(connection: Connection) -> None:
    """Write what was recorded, in order; call it last in a transaction."""
    if pending := connection.info.pop(_PENDING):
        hold(connection, "events")
        connection.execute(tables.events.insert(), pending)
