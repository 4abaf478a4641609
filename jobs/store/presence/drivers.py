"""Drivers: one a sweep, by a lease that lapses when its heartbeat stops."""

import os

from sqlalchemy import select

from jobs.database import tables
from jobs.machine.host import identity
from jobs.store.rows import DriverRecord
from jobs.store.transactions import STALE_SECONDS, Transactions


class Drivers(Transactions):
    """Drivers of a store's sweeps."""

    def live_drivers(self) -> list[DriverRecord]:
        """Drivers whose heartbeat is fresh and whose process, if it is of this machine, exists."""
        table, here = tables.drivers, identity()
        with self._read() as connection:
            oldest = self._common_time(connection) - STALE_SECONDS - self._contact.missed()
            rows = connection.execute(select(table).where(table.c.heartbeat >= oldest)).mappings()
            return [DriverRecord(**row) for row in rows if row["host"] != here or _exists(row["pid"])]

    def driver_of(self, sweep: str) -> DriverRecord | None:
        """The live driver of a sweep."""
        return next((one for one in self.live_drivers() if one.sweep == sweep), None)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
