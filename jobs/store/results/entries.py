"""Entries: the read model of leaderboards. A driving process writes them, and every reading command reads them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.rows import EntryRecord
from jobs.store.transactions import Transactions


class Entries(Transactions):
    """Leaderboard entries of a store's sweeps."""

    def put_entries(
        self,
        sweep: str,
        entries: Sequence[EntryRecord],
        *,
        version: int,
        spec: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Make these the entries of a sweep: write those that changed, and remove those that it has no more.

        Args:
            sweep: its name.
            entries: all of its entries.
            version: the form of their content.
            spec: the sweep's definition, where an earlier version of golfsweep wrote it in another form.

        Returns:
            Names of the entries that were written or removed.
        """
        wanted = {entry.name: _values(entry) for entry in entries}
        table, sweeps = tables.entries, tables.sweeps
        with self._write() as connection:
            self._check_lease(connection, sweep)
            hold(connection, f"entries of {sweep}")
            query = select(table).where(table.c.sweep == sweep)
            known = {
                row["name"]: {name: row[name] for name in _WRITTEN} for row in connection.execute(query).mappings()
            }
            changed = [name for name, values in wanted.items() if known.get(name) != values]
            removed = [name for name in known if name not in wanted]
            stale = table.c.name.in_([*changed, *removed])
            connection.execute(table.delete().where(table.c.sweep == sweep, stale))
            for name in changed:
                own = {"sweep": sweep, "name": name, "updated": self._clock()}
                connection.execute(table.insert(), own | wanted[name])
            who = self._actor(sweep)
            for kind, names in ((EventKind.ENTRY_WRITTEN, changed), (EventKind.ENTRY_REMOVED, removed)):
                for name in names:
                    record_event(connection, kind, self._clock(), who, sweep=sweep, entry=name)
            facts: dict[str, Any] = {"entries_version": version}
            if spec is not None:
                facts["spec"] = dict(spec)
            connection.execute(sweeps.update().where(sweeps.c.name == sweep), facts)
        return [*changed, *removed]

    def entries(self, sweep: str | None = None) -> list[EntryRecord]:
        """Entries of one sweep or of all, by sweep from the oldest on, each in the order of its file."""
        table, sweeps = tables.entries, tables.sweeps
        query = select(table).join(sweeps, sweeps.c.name == table.c.sweep)
        query = query.order_by(sweeps.c.created, table.c.sweep, table.c.position)
        if sweep is not None:
            query = query.where(table.c.sweep == sweep)
        with self._read() as connection:
            return [EntryRecord(**row) for row in connection.execute(query).mappings()]


_WRITTEN = ("position", "content", "evidence", "withdrawn")


def _values(entry: EntryRecord) -> dict[str, Any]:
    """What the database will give back of an entry: plain JSON without tuples."""
    content, evidence = (json.loads(json.dumps(part, allow_nan=False)) for part in (entry.content, entry.evidence))
    return {"position": entry.position, "content": content, "evidence": evidence, "withdrawn": entry.withdrawn}


def withdraw_entries(connection: Connection, key: str, lost: Mapping[str, str], now: float, who: str) -> None:
    """Withdraw the entries, of whichever sweep, that use outputs of a job that were made again and came out
    otherwise; the next run of their sweep writes them anew.

    Args:
        connection: within a transaction.
        key: the job.
        lost: digest of each of these outputs → its name.
        now: epoch seconds.
        who: the scheduler's name.
    """
    table, needed = tables.entries, tables.sweep_jobs
    query = select(table).where(table.c.sweep.in_(select(needed.c.sweep).where(needed.c.key == key)))
    for row in connection.execute(query).mappings().all():
        evidence = json.dumps(row["evidence"])
        if names := [name for digest, name in lost.items() if digest in evidence]:
            reason = f"its {' and '.join(names)} had to be made again and came out differently"
            this_row = (table.c.sweep == row["sweep"]) & (table.c.name == row["name"])
            connection.execute(table.update().where(this_row), {"withdrawn": reason})
            about = {"sweep": row["sweep"], "entry": row["name"], "key": key, "reason": reason}
            record_event(connection, EventKind.ENTRY_WITHDRAWN, now, who, **about)
