"""Schedulers: who is alive, and whose cluster is whose."""

import os

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.machine.host import identity
from jobs.store.rows import SchedulerRecord, Taken
from jobs.store.transactions import STALE_SECONDS, Transactions, write_row


class Schedulers(Transactions):
    """Schedulers of a store."""

    def beat(self, scheduler: str, cluster: str = "", slots: int = 0, widest: int = 0) -> None:
        """Say that a scheduler is alive; the first beat makes it its cluster's.

        Args:
            scheduler: its name.
            cluster: what tells its cluster from others; "" is none, of which there may be many schedulers.
            slots: slots of the cluster.
            widest: slots of its largest node.

        Raises:
            Taken: another one that is alive is the cluster's; whoever was silent for too long finds this out here.
        """
        process = {"host": identity(), "pid": os.getpid()}
        facts = {"cluster": cluster, "slots": slots, "widest": widest}
        with self._write() as connection:
            hold(connection, f"cluster {cluster}")
            others = [one for one in self._alive(connection) if one.name != scheduler]
            if cluster and (rival := next((one for one in others if one.cluster == cluster), None)):
                raise Taken(f"{rival.name} schedules {cluster}")
            facts |= {"heartbeat": self._common_time(connection)}
            write_row(connection, tables.schedulers, {"name": scheduler}, process | facts)

    def forget_scheduler(self, scheduler: str) -> None:
        """A scheduler that ends orderly says so; whatever it still holds is free at once."""
        with self._write() as connection:
            connection.execute(tables.schedulers.delete().where(tables.schedulers.c.name == scheduler))

    def live_schedulers(self) -> list[SchedulerRecord]:
        """Schedulers whose heartbeat is fresh and whose process, if it is of this machine, exists."""
        with self._read() as connection:
            return self._alive(connection)

    def _alive(self, connection: Connection) -> list[SchedulerRecord]:
        """Schedulers that may be alive for all that this process could hear; see `live_schedulers`."""
        table, here = tables.schedulers, identity()
        oldest = self._common_time(connection) - STALE_SECONDS - self._contact.missed()
        rows = connection.execute(select(table).where(table.c.heartbeat >= oldest)).mappings()
        return [SchedulerRecord(**row) for row in rows if row["host"] != here or _exists(row["pid"])]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
