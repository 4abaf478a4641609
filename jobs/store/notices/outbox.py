"""The outbox: notices are written once, together with how far events were read, and sent until they arrive.

Only the process with the lease of `Senders` makes and sends them. Each webhook has a cursor: it moves on when a notice
has been delivered or given up. A process that dies between the two sends the notice again, so a notice arrives at
least once, and its number tells a receiver which it has seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.notices.rows import Delivery, Notice, NoticeWatch
from jobs.store.notices.senders import Senders
from jobs.store.notices.webhooks import WATCH, host_of, is_wanted

KEPT_SECONDS = 7 * 86400.0
"""After which a notice that no webhook waits for is removed."""
_NOTICE = ("kind", "sentence", "path", "data")


class Outbox(Senders):
    """Notices of a store."""

    def notice_watch(self) -> NoticeWatch | None:
        """How far events were read; None where nobody wants notices."""
        if not self._has_webhooks():
            return None
        table = tables.notice_watch
        with self._read() as connection:
            row = connection.execute(select(table.c.event, table.c.seen)).mappings().first()
            return None if row is None else NoticeWatch(**row)

    def put_notices(self, sender: str, notices: Sequence[Notice], watch: NoticeWatch) -> None:
        """Write notices, and how far events were read for them.

        Raises:
            LostLease: another process sends notices.
        """
        table = tables.notices
        with self._write() as connection:
            self._check_sender(connection, sender)
            hold(connection, "notices")  # numbers are cursors, as those of events are
            now = self._date()
            for notice in notices:
                connection.execute(table.insert(), asdict(notice) | {"time": now, "data": dict(notice.data)})
            values = {"event": watch.event, "seen": dict(watch.seen)}
            connection.execute(tables.notice_watch.update().where(tables.notice_watch.c.id == WATCH), values)
            if notices:
                _remove_old(connection, now - KEPT_SECONDS)

    def due_deliveries(self) -> list[Delivery]:
        """The next notice of each webhook that has one and does not wait for its next try."""
        table, due = tables.webhooks, []
        with self._read() as connection:
            for row in connection.execute(select(table).order_by(table.c.id)).mappings().all():
                if row["next_try"] is not None and row["next_try"] > self._date():
                    continue
                query = select(tables.notices).where(is_wanted(row)).order_by(tables.notices.c.id).limit(1)
                if (notice := connection.execute(query).mappings().first()) is not None:
                    due.append(_delivery(row, notice))
        return due

    def note_delivered(self, sender: str, delivery: Delivery) -> None:
        """A notice has arrived; the webhook's next one may be sent.

        Raises:
            LostLease: another process sends notices.
        """
        table = tables.webhooks
        values = {"delivered": table.c.delivered + 1, "failures": 0, "error": None, "last_sent": self._clock()}
        self._settle(sender, delivery, {"cursor": delivery.number, "next_try": None, **values})

    def note_failed(self, sender: str, delivery: Delivery, error: str, wait: float | None, *, give_up: bool) -> None:
        """A notice has not arrived.

        Args:
            sender: this process's name.
            delivery: the notice and its webhook.
            error: why not.
            wait: seconds until the webhook tries again, with this notice or the one after it; None: at once.
            give_up: whether this notice is not tried again, which is an event.

        Raises:
            LostLease: another process sends notices.
        """
        table = tables.webhooks
        values: dict[str, Any] = {
            "failures": table.c.failures + 1, "error": error, "next_try": None if wait is None else self._date() + wait
        }  # fmt: skip
        if give_up:
            values |= {"cursor": delivery.number, "given_up": table.c.given_up + 1}
        self._settle(sender, delivery, values, given_up=error if give_up else None)

    def _settle(self, sender: str, delivery: Delivery, values: Mapping[str, Any], given_up: str | None = None) -> None:
        table = tables.webhooks
        this_row = (table.c.id == delivery.webhook) & (table.c.cursor < delivery.number)
        with self._write() as connection:
            self._check_sender(connection, sender)
            changed = connection.execute(table.update().where(this_row).values(**values)).rowcount
            if changed and given_up is not None:
                facts = {"webhook": delivery.webhook, "host": host_of(delivery.url), "notice": delivery.number}
                facts |= {"about": delivery.notice.kind, "reason": given_up}
                record_event(connection, EventKind.NOTICE_GIVEN_UP, self._clock(), self.user, **facts)

    def _has_webhooks(self) -> bool:
        with self._read() as connection:
            return connection.execute(select(tables.webhooks.c.id).limit(1)).first() is not None


def _delivery(webhook: Any, row: Any) -> Delivery:
    return Delivery(
        webhook=webhook["id"], form=webhook["form"], url=webhook["url"], secret=webhook["secret"],
        failures=webhook["failures"], number=row["id"], time=row["time"],
        notice=Notice(**{name: row[name] for name in _NOTICE}),
    )  # fmt: skip


def _remove_old(connection: Connection, before: float) -> None:
    """Remove notices that nobody waits for; the newest stays, since SQLite would give its number again."""
    table = tables.notices
    done = connection.execute(select(func.min(tables.webhooks.c.cursor))).scalar() or 0
    newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
    connection.execute(table.delete().where(table.c.id <= done, table.c.id < newest, table.c.time < before))
