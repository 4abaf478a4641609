"""Events: what happened, in the order in which it became visible."""

from sqlalchemy import ColumnElement, func, select

from jobs.database import tables
from jobs.state import EventKind
from jobs.store.rows import EventRecord
from jobs.store.transactions import Transactions

PAGE = 1000


class Events(Transactions):
    """Events of a store; numbers of events are a cursor, see jobs.store.event_log."""

    def events(self, after: int = 0, sweep: str | None = None, limit: int = PAGE) -> list[EventRecord]:
        """The first events beyond a cursor, oldest first; of one sweep, with those of all jobs that it needs.

        The last one's `id` is the next cursor.
        """
        table = tables.events
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if sweep is not None:
            query = query.where(_concerns(sweep))
        with self._read() as connection:
            rows = connection.execute(query).mappings()
            return [EventRecord(**{**row, "kind": EventKind(row["kind"])}) for row in rows]

    def last_event(self) -> int:
        """Number of the newest event; 0 where there is none."""
        with self._read() as connection:
            return int(connection.execute(select(func.max(tables.events.c.id))).scalar() or 0)

    def changed_jobs(self, sweep: str, after: int) -> tuple[int, set[str]]:
        """The newest event's number, and keys of a sweep's jobs that events beyond a cursor name.

        A job that the sweep has withdrawn since is among them.
        """
        table = tables.events
        with self._read() as connection:
            newest = int(connection.execute(select(func.max(table.c.id))).scalar() or 0)
            if newest <= after:
                return after, set()
            named = (table.c.id > after) & (table.c.id <= newest) & table.c.key.is_not(None)
            query = select(table.c.key).distinct().where(named, _concerns(sweep))
            return newest, set(connection.execute(query).scalars())


def _concerns(sweep: str) -> ColumnElement[bool]:
    """Whether an event is a sweep's own, or of a job that the sweep needs together with others."""
    table, needed = tables.events, tables.sweep_jobs
    shared = select(needed.c.key).where(needed.c.sweep == sweep, needed.c.key == table.c.key)
    return (table.c.sweep == sweep) | shared.exists()
