"""Public records of the challenge, as they were imported."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from jobs.database import tables
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.transactions import Transactions, write_row


class PublicRecords(Transactions):
    """Public records of a store."""

    def put_record(self, name: str, content: Mapping[str, Any]) -> bool:
        """Write a public record down under its name, in place of an earlier one; False if nothing has changed."""
        plain = json.dumps(content, sort_keys=True, allow_nan=False)
        digest, table = hashlib.sha256(plain.encode()).hexdigest(), tables.records
        with self._write() as connection:
            known = connection.execute(select(table.c.digest).where(table.c.name == name)).scalar()
            if known != digest:
                values = {"digest": digest, "content": json.loads(plain), "imported": self._clock()}
                is_new = write_row(connection, table, {"name": name}, values)
                record_event(connection, EventKind.RECORD_IMPORTED, self._clock(), self.user, record=name, new=is_new)
        return bool(known != digest)

    def records(self) -> list[dict[str, Any]]:
        """Contents of all public records, by name."""
        with self._read() as connection:
            return list(connection.execute(select(tables.records.c.content).order_by(tables.records.c.name)).scalars())
