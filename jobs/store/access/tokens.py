"""Tokens of the service: made, used and revoked. The database has a digest only, so that its reader can use none."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from jobs.database import tables
from jobs.state import EventKind, Scope
from jobs.store.access.shown_secrets import USE_SECONDS, find_by_id, has_digest, make_secret, split_secret
from jobs.store.event_log import record_event
from jobs.store.rows import TokenRecord
from jobs.store.transactions import Transactions

PREFIX = "gs"
"""How each token begins, by which scanners for leaked secrets can find it."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, and its text, which is shown this once."""

    record: TokenRecord
    text: str


class Tokens(Transactions):
    """Tokens of a store."""

    def create_token(self, scope: Scope, owner: str, days: float | None) -> NewToken:
        """Make a token.

        Args:
            scope: what it allows.
            owner: in whose name it acts.
            days: until it expires; None: never.
        """
        now, made = self._clock(), make_secret(PREFIX)
        expires = None if days is None else now + days * 86400
        record = TokenRecord(
            id=made.id, scope=scope.value, owner=owner, created=now, expires=expires, revoked=None, used=None
        )
        with self._write() as connection:
            connection.execute(tables.tokens.insert(), {**asdict(record), "digest": made.digest})
            facts = {"token": made.id, "scope": scope.value, "owner": owner}
            record_event(connection, EventKind.TOKEN_CREATED, now, self.user, **facts)
        return NewToken(record, made.text)

    def find_token(self, text: str) -> TokenRecord | None:
        """The token that somebody shows, if it is good now."""
        if (parts := split_secret(PREFIX, text)) is None:
            return None
        (name, secret), table, now = parts, tables.tokens, self._clock()
        with self._read() as connection:
            row = connection.execute(select(table).where(table.c.id == name)).mappings().first()
        matches = has_digest(secret, None if row is None else str(row["digest"]))
        if row is None or not matches or not is_good(record := _record(row), now):
            return None
        if record.used is None or not 0 <= now - record.used < USE_SECONDS:
            self._note_use(name, now)
        return record

    def tokens(self) -> list[TokenRecord]:
        """All tokens, oldest first, those that are no longer good among them."""
        with self._read() as connection:
            return [_record(row) for row in connection.execute(_all()).mappings()]

    def revoke_token(self, name: str) -> TokenRecord:
        """Take a token back: the next request with it is refused. One that is revoked already stays so.

        Raises:
            InputError: no token, or more than one, has an id that begins so.
        """
        table = tables.tokens
        with self._write() as connection:
            known = [_record(row) for row in connection.execute(_all()).mappings()]
            record = find_by_id(known, name, "token", "golfsweep token list")
            if record.revoked is None:
                now = self._clock()
                connection.execute(table.update().where(table.c.id == record.id), {"revoked": now})
                facts = {"token": record.id, "owner": record.owner}
                record_event(connection, EventKind.TOKEN_REVOKED, now, self.user, **facts)
        return next(token for token in self.tokens() if token.id == record.id)

    def _note_use(self, name: str, now: float) -> None:
        if not self.is_read_only:
            with self._write() as connection:
                connection.execute(tables.tokens.update().where(tables.tokens.c.id == name), {"used": now})


def is_good(token: TokenRecord, now: float) -> bool:
    """Whether a token may be used at a time in epoch seconds."""
    return token.revoked is None and (token.expires is None or now < token.expires)


def _all() -> Any:
    return select(tables.tokens).order_by(tables.tokens.c.created, tables.tokens.c.id)


def _record(row: Any) -> TokenRecord:
    return TokenRecord(**{name: value for name, value in row.items() if name != "digest"})
