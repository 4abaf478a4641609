"""Where the contents of a database lie: the identity of that file store, which the first run writes down."""

from dataclasses import asdict, replace

from sqlalchemy import select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.store.rows import FileStoreRecord
from jobs.store.transactions import Transactions


class FileStores(Transactions):
    """The file store that belongs to a store."""

    def file_store(self) -> FileStoreRecord | None:
        """Where the contents lie; None before the first run, or where an earlier version wrote the database."""
        table = tables.file_stores
        with self._read() as connection:
            row = connection.execute(select(table)).mappings().first()
            return None if row is None else FileStoreRecord(**row)

    def record_file_store(self, place: FileStoreRecord, instead_of: FileStoreRecord | None) -> FileStoreRecord:
        """Write down where the contents lie, unless another process was faster; returns what is written down."""
        table = tables.file_stores
        with self._write() as connection:
            hold(connection, "file store")
            row = connection.execute(select(table)).mappings().first()
            known = None if row is None else FileStoreRecord(**row)
            if known != instead_of and known is not None:
                return known
            connection.execute(table.delete())
            written = replace(place, recorded=self._clock())
            connection.execute(table.insert(), asdict(written))
            return written
