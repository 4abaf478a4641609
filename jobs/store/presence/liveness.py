"""Which processes with a heartbeat in the database are alive; the same rule for schedulers and drivers.

A heartbeat is the reading of the monotonic clock of the machine that wrote it. Processes of that machine compare it
with their own reading. To others it is a number that changes: they measure, by their own clock, how long they have
seen it stand still. So no lease depends on what any clock, the database server's included, is set to; the price is that
nobody takes over from a process of another machine before having watched it for as long as a heartbeat is fresh.

Commands that only show who is alive do not wait: until they have seen a heartbeat change they go by its time.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, select

from jobs.database import tables
from jobs.machine.host import identity
from jobs.store.transactions import STALE_SECONDS, Transactions, Watch

_TABLES = (tables.schedulers, tables.drivers, tables.notice_senders)


class Liveness(Transactions):
    """Judges tables of processes, whose rows have a host, a pid and a heartbeat."""

    def _live_rows(self, connection: Connection, table: Table, *, shown: bool = False) -> list[Mapping[str, Any]]:
        """Rows of processes that are not known to be dead, without the column `beat`.

        A heartbeat that this process could not have seen, because it had no database for a while, counts as fresh.

        Args:
            connection: within a transaction.
            table: one of _TABLES; each look watches all of them.
            shown: whether this is for people only.
        """
        limit = STALE_SECONDS + self._connectivity.grace_seconds()
        oldest = self._common_time(connection) - limit if shown else None
        live: list[Mapping[str, Any]] = []
        for each in _TABLES:
            rows = [dict(row) for row in connection.execute(select(each)).mappings()]
            for row, watch in zip(rows, self._watch(each.name, rows), strict=True):
                if each is table and self._lives(row, watch, limit, oldest):
                    live.append({name: value for name, value in row.items() if name != "beat"})
        return live

    def _lives(self, row: Mapping[str, Any], watch: Watch, limit: float, oldest: float | None) -> bool:
        if row["host"] == identity():
            return process_exists(row["pid"]) and self._ticks() - row["beat"] <= limit
        if oldest is not None and not watch.has_changed and row["heartbeat"] < oldest:
            return False
        return self._ticks() - watch.since <= limit

    def _watch(self, table: str, rows: Iterable[Mapping[str, Any]]) -> list[Watch]:
        """Note which heartbeats have changed since the last look; returns what is known of each row's."""
        now, before = self._ticks(), self._watched.get(table, {})
        known = {}
        for row in rows:
            watch = before.get((row["name"], row.get("sweep")))
            if watch is None or watch.beat != row["beat"]:
                watch = Watch(row["beat"], now, has_changed=watch is not None)
            known[row["name"], row.get("sweep")] = watch
        self._watched[table] = known  # replaced as a whole: a heartbeat's thread looks, too
        return list(known.values())


def process_exists(pid: int) -> bool:
    """Whether this machine has a process of that number, of whichever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
