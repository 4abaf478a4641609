"""Which processes with a heartbeat in the database are alive; the same rule for schedulers and drivers."""

import os
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, select

from jobs.machine.host import identity
from jobs.store.transactions import STALE_SECONDS, Transactions


class Liveness(Transactions):
    """Judges tables of processes, whose rows have a host, a pid and a heartbeat."""

    def _live_rows(self, connection: Connection, table: Table) -> list[Mapping[str, Any]]:
        """Rows whose heartbeat is fresh and whose process, if it is of this machine, exists.

        A heartbeat that this process could not have seen, because it had no database for a while, counts as fresh.
        """
        oldest = self._common_time(connection) - STALE_SECONDS - self._connectivity.grace_seconds()
        rows = connection.execute(select(table).where(table.c.heartbeat >= oldest)).mappings()
        this_host = identity()
        return [dict(row) for row in rows if row["host"] != this_host or process_exists(row["pid"])]


def process_exists(pid: int) -> bool:
    """Whether this machine has a process of that number, of whichever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
