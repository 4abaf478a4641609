"""Share links: made, opened and revoked. As of tokens, the database has a digest only."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from golf.errors import InputError, shown_name
from jobs.database import tables
from jobs.state import EventKind
from jobs.store.access.shown_secrets import USE_SECONDS, find_by_id, has_digest, make_secret, split_secret
from jobs.store.event_log import record_event
from jobs.store.rows import ShareRecord
from jobs.store.transactions import Transactions

PREFIX = "gl"
"""How the secret part of each link begins."""
MOST_DAYS = 366.0
_OLDEST_FIRST = select(tables.shares).order_by(tables.shares.c.created, tables.shares.c.id)


@dataclass(frozen=True, slots=True)
class NewShare:
    """A link just made; `text` is its secret part, which is shown this once."""

    record: ShareRecord
    text: str


class Shares(Transactions):
    """Share links of a store."""

    def create_share(self, sweep: str, entry: str | None, days: float) -> NewShare:
        """Make a link to a sweep, or to one of its entries.

        Raises:
            InputError: there is no such sweep or entry, or it is to last for too long.
        """
        if not 0 < days <= MOST_DAYS:
            raise InputError(f"days = {days:g}: expected more than 0 and at most {MOST_DAYS:g}; links expire")
        now, made = self._clock(), make_secret(PREFIX)
        record = ShareRecord(
            id=made.id, sweep=sweep, entry=entry, owner=self.user, created=now, expires=self._date() + days * 86400,
            revoked=None, used=None,
        )  # fmt: skip
        with self._write() as connection:
            names = tables.sweeps.c.name
            if "\x00" in sweep or connection.execute(select(names).where(names == sweep)).first() is None:
                raise InputError(f"{shown_name(sweep)}: no sweep of that name was begun; golfsweep ls lists them")
            if entry is not None:
                table = tables.entries
                this_row = (table.c.sweep == sweep) & (table.c.name == entry)
                if "\x00" in entry or connection.execute(select(table.c.name).where(this_row)).first() is None:
                    raise InputError(
                        f"{shown_name(entry)}: sweep {sweep} has no such entry; golfsweep leaderboard lists them"
                    )
            connection.execute(tables.shares.insert(), {**asdict(record), "digest": made.digest})
            facts = {"share": made.id, "sweep": sweep, "entry": entry}
            record_event(connection, EventKind.SHARE_CREATED, now, self.user, **facts)
        return NewShare(record, made.text)

    def find_share(self, text: str) -> ShareRecord | None:
        """The link whose secret part somebody shows, if it is good now."""
        if (parts := split_secret(PREFIX, text)) is None:
            return None
        (name, secret), table = parts, tables.shares
        with self._read() as connection:
            row = connection.execute(select(table).where(table.c.id == name)).mappings().first()
        matches = has_digest(secret, None if row is None else str(row["digest"]))
        if row is None or not matches or not is_open(record := _record(row), self._date()):
            return None
        now = self._clock()
        if (record.used is None or not 0 <= now - record.used < USE_SECONDS) and not self.is_read_only:
            with self._write() as connection:
                connection.execute(table.update().where(table.c.id == name), {"used": now})
        return record

    def shares(self) -> list[ShareRecord]:
        """All links, oldest first, those that are no longer good among them."""
        with self._read() as connection:
            return [_record(row) for row in connection.execute(_OLDEST_FIRST).mappings()]

    def revoke_share(self, name: str) -> ShareRecord:
        """Take a link back; one that is revoked already stays so.

        Raises:
            InputError: no link, or more than one, has an id that begins so.
        """
        table = tables.shares
        with self._write() as connection:
            known = [_record(row) for row in connection.execute(_OLDEST_FIRST).mappings()]
            record = find_by_id(known, name, "link", "golfsweep share --list")
            if record.revoked is None:
                now = self._clock()
                connection.execute(table.update().where(table.c.id == record.id), {"revoked": now})
                facts = {"share": record.id, "sweep": record.sweep, "entry": record.entry}
                record_event(connection, EventKind.SHARE_REVOKED, now, self.user, **facts)
        return next(share for share in self.shares() if share.id == record.id)


def is_open(share: ShareRecord, now: float) -> bool:
    """Whether a link may be opened at a time in epoch seconds."""
    return share.revoked is None and now < share.expires


def _record(row: Any) -> ShareRecord:
    return ShareRecord(**{name: value for name, value in row.items() if name != "digest"})
