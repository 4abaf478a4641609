"""Webhooks: where notices are sent. What makes an address a secret is stored, used, and never returned to people."""

import secrets
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from golf.errors import InputError
from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import WrongState
from jobs.state import EventKind, NoticeKind, WebhookForm
from jobs.store.access.shown_secrets import find_by_id
from jobs.store.event_log import record_event
from jobs.store.notices.rows import NewWebhook, WebhookRecord
from jobs.store.transactions import Transactions, write_row

MOST_WEBHOOKS = 50
MOST_URL_CHARACTERS = 2000
SECRET_PREFIX = "gsw_"
SECRET_BYTES = 32
ENDING = 4
"""Last characters of an address that are shown."""
WATCH = 1
"""The id of the only row of its table."""
_OLDEST_FIRST = select(tables.webhooks).order_by(tables.webhooks.c.created, tables.webhooks.c.id)


class Webhooks(Transactions):
    """Webhooks of a store."""

    def add_webhook(self, form: WebhookForm, url: str, kinds: Collection[NoticeKind] = ()) -> NewWebhook:
        """Report what happens from now on to an address.

        Args:
            form: of what is sent.
            url: where to. Nothing is sent there before a service has checked that it may be.
            kinds: what is reported; by default everything.

        Raises:
            InputError: the address is none.
            WrongState: it has a webhook already, or there are too many.
        """
        check_url(url)
        now, name = self._clock(), secrets.token_hex(4)
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES) if form == WebhookForm.GENERIC else ""
        values = {
            "id": name, "form": form.value, "url": url, "secret": secret, "owner": self.user, "created": now,
            "kinds": sorted({kind.value for kind in kinds}),
        }  # fmt: skip
        table = tables.webhooks
        with self._write() as connection:
            hold(connection, "webhooks")
            urls = connection.execute(select(table.c.url)).scalars().all()
            if url in urls:
                raise WrongState(f"{describe_url(url)}: has a webhook already; golfsweep webhook list shows it")
            if len(urls) >= MOST_WEBHOOKS:
                raise WrongState(f"there are {len(urls)} webhooks; remove one before you add another")
            if not urls:
                self._begin_watch(connection)
            cursor = connection.execute(select(func.max(tables.notices.c.id))).scalar() or 0
            connection.execute(table.insert(), values | {"cursor": cursor})
            facts = {"webhook": name, "form": form.value, "host": host_of(url)}
            record_event(connection, EventKind.WEBHOOK_ADDED, now, self.user, **facts)
            record = _read(connection, table.c.id == name)[0]
        return NewWebhook(record=record, secret=secret)

    def webhooks(self) -> list[WebhookRecord]:
        """All webhooks, oldest first, and how their deliveries stand."""
        with self._read() as connection:
            return _read(connection)

    def remove_webhook(self, name: str) -> WebhookRecord:
        """Send nothing more to an address, not what waits either.

        Raises:
            InputError: no webhook, or more than one, has an id that begins so.
        """
        with self._write() as connection:
            record = find_by_id(_read(connection), name, "webhook", "golfsweep webhook list")
            connection.execute(tables.webhooks.delete().where(tables.webhooks.c.id == record.id))
            facts = {"webhook": record.id, "form": record.form, "host": record.host}
            record_event(connection, EventKind.WEBHOOK_REMOVED, self._clock(), self.user, **facts)
        return record

    def test_webhook(self, name: str) -> WebhookRecord:
        """Have a webhook send a notice that says that it works, at once, and whatever waits before it.

        Raises:
            InputError: no webhook, or more than one, has an id that begins so.
        """
        table = tables.webhooks
        with self._write() as connection:
            record, now = find_by_id(_read(connection), name, "webhook", "golfsweep webhook list"), self._clock()
            hold(connection, "notices")
            row = {
                "time": self._date(), "kind": NoticeKind.TEST.value, "path": "/", "data": {"webhook": record.id},
                "sentence": f"This webhook works: {self.user} tests it.", "webhook": record.id,
            }  # fmt: skip
            connection.execute(tables.notices.insert(), row)
            connection.execute(table.update().where(table.c.id == record.id), {"next_try": None})
            record_event(connection, EventKind.WEBHOOK_TESTED, now, self.user, webhook=record.id, host=record.host)
            return _read(connection, table.c.id == record.id)[0]

    def _begin_watch(self, connection: Connection) -> None:
        """The first webhook reports nothing of what happened before it."""
        last = connection.execute(select(func.max(tables.events.c.id))).scalar() or 0
        write_row(connection, tables.notice_watch, {"id": WATCH}, {"event": last, "seen": {}})


def check_url(url: str) -> None:
    """Make sure that something can be sent to an address.

    Raises:
        InputError: it is none; the message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MOST_URL_CHARACTERS
    if not (valid and plain):
        raise InputError("webhook: not an address to which something can be sent; expected https://HOST/…")
    if "@" in parts.netloc or parts.fragment:
        raise InputError(f"webhook at {describe_url(url)}: has a user or a fragment; expected https://HOST/…")


def host_of(url: str) -> str:
    """The host of an address."""
    return urlsplit(url).hostname or ""


def describe_url(url: str) -> str:
    """An address as it may be shown: its host and its end, since the rest of it is a secret."""
    return f"{host_of(url)}/…{url[-ENDING:]}"


def is_wanted(webhook: Any) -> ColumnElement[bool]:
    """Whether a notice is one that a webhook is still to send; `webhook` is its row."""
    table, kinds = tables.notices, webhook["kinds"]
    whose = or_(table.c.webhook.is_(None), table.c.webhook == webhook["id"])
    wanted = and_(table.c.id > webhook["cursor"], whose)
    return and_(wanted, table.c.kind.in_([*kinds, NoticeKind.TEST.value])) if kinds else wanted


def _read(connection: Connection, *conditions: ColumnElement[bool]) -> list[WebhookRecord]:
    return [_record(connection, row) for row in connection.execute(_OLDEST_FIRST.where(*conditions)).mappings().all()]


def _record(connection: Connection, row: Any) -> WebhookRecord:
    waiting = connection.execute(select(func.count()).select_from(tables.notices).where(is_wanted(row))).scalar_one()
    names = (
        "id", "form", "owner", "created", "delivered", "given_up", "failures", "next_try", "error", "last_sent"
    )  # fmt: skip
    return WebhookRecord(
        **{name: row[name] for name in names}, host=host_of(row["url"]), ending=row["url"][-ENDING:],
        kinds=tuple(row["kinds"]), waiting=waiting,
    )  # fmt: skip
