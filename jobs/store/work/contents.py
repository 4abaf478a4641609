"""Contents of the file store: a row each, and which job makes or reads it.

A row is written in the transaction that first refers to the content (a checkpoint, a shard, an output), after the file
is written. A crash between the two leaves a file without a row, which jobs.store.work.garbage finds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, exists, null, or_, select, union_all

from jobs.database import tables
from jobs.database.engine import hold
from jobs.spec import Order
from jobs.state import AttemptState, EventKind

MAKES, READS = "makes", "reads"


def add_content(connection: Connection, digest: str, size: int, now: float) -> None:
    """Write a content's row, unless it is there."""
    table = tables.contents
    if not connection.execute(table.update().where(table.c.digest == digest), {"size": size}).rowcount:
        hold(connection, f"content {digest}")  # another job may have made the same at this moment
        if not connection.execute(select(table.c.digest).where(table.c.digest == digest)).first():
            connection.execute(table.insert(), {"digest": digest, "size": size, "created": now})


def link_reads(connection: Connection, order: Order) -> None:
    """Write down which contents a new job reads; inputs that lie at a path of their own are none."""
    inputs = {name: digest for name, digest in order.job.inputs.items() if name not in order.places}
    _link(connection, order.job.key, READS, inputs)


def link_outputs(
    connection: Connection, key: str, outputs: Mapping[str, Any], sizes: Mapping[str, int], now: float
) -> None:
    """Write down which contents a finished job has made, in place of those of an earlier success.

    Args:
        connection: within a transaction.
        key: the job.
        outputs: all of its outputs by name.
        sizes: bytes by digest, of those outputs that are contents.
        now: epoch seconds.
    """
    table = tables.content_links
    connection.execute(table.delete().where(table.c.key == key, table.c.role == MAKES))
    made = {name: value for name, value in outputs.items() if isinstance(value, str) and value in sizes}
    for digest in sorted(set(made.values())):  # in one order: two jobs may make the same contents
        add_content(connection, digest, sizes[digest], now)
    _link(connection, key, MAKES, made)


def drop_outputs(connection: Connection, key: str) -> None:
    """Forget what a job made that has never succeeded."""
    table = tables.content_links
    connection.execute(table.delete().where(table.c.key == key, table.c.role == MAKES))
    connection.execute(tables.jobs.update().where(tables.jobs.c.key == key), {"outputs": null()})


def has_succeeded(connection: Connection, key: str) -> bool:
    """Whether a job's outputs are those of a success, and not what it completed before it failed."""
    attempts, events = tables.attempts, tables.events
    done = select(attempts.c.key).where(attempts.c.key == key, attempts.c.state == AttemptState.DONE)
    given = select(events.c.key).where(events.c.key == key, events.c.kind == EventKind.JOB_ATTACHED)
    return bool(connection.execute(select(or_(exists(done), exists(given)))).scalar())


def drop_content(connection: Connection, digest: str) -> bool:
    """Delete a content's row if nothing refers to it; returns whether its file may be deleted, too."""
    if connection.execute(select(exists(_references(digest).subquery().select()))).scalar():
        return False
    connection.execute(tables.contents.delete().where(tables.contents.c.digest == digest))
    return True


def _references(digest: str) -> Any:
    """Whatever refers to a content."""
    queries: Iterator[Select[Any]] = (
        select(column).where(column == digest)
        for column in (tables.content_links.c.digest, tables.jobs.c.checkpoint, tables.shards.c.digest)
    )
    return union_all(*queries)


def _link(connection: Connection, key: str, role: str, digests: Mapping[str, str]) -> None:
    rows = [{"digest": digest, "key": key, "role": role, "name": name} for name, digest in digests.items()]
    if rows:
        connection.execute(tables.content_links.insert(), rows)
