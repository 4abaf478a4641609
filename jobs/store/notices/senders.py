"""Which process makes and sends notices: one at a time, by a lease that lapses when its heartbeat stops."""

from dataclasses import asdict

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import LostLease
from jobs.store.presence.liveness import Liveness
from jobs.store.transactions import write_row

DUTY = "notices"


class Senders(Liveness):
    """The process that sends a store's notices."""

    def take_notices(self, sender: str) -> bool:
        """Take the lease, or write its heartbeat: call it every few seconds; returns whether this process has it.

        Args:
            sender: a name that no other process has.
        """
        table = tables.notice_senders
        with self._write() as connection:
            hold(connection, "sender of notices")
            if any(row["name"] != sender for row in self._live_rows(connection, table)):
                return False
            values = {"name": sender, "heartbeat": self._common_time(connection), "beat": self._ticks()}
            write_row(connection, table, {"duty": DUTY}, values | asdict(self.process))
            return True

    def leave_notices(self, sender: str) -> None:
        """Give the lease back, so that another process may send at once; no error if it is another's."""
        table = tables.notice_senders
        with self._write() as connection:
            connection.execute(table.delete().where(table.c.name == sender))

    def _check_sender(self, connection: Connection, sender: str) -> None:
        """Make sure that no other process takes the lease until the transaction ends.

        Raises:
            LostLease: another one has it.
        """
        table = tables.notice_senders
        name = connection.execute(select(table.c.name).with_for_update(read=True)).scalar()
        if name != sender:
            raise LostLease("another process sends notices, because this one was silent for too long")
