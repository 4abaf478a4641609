"""What an error of a database means: one table for SQLite's result codes, and one for PostgreSQL's SQLSTATEs.

An outage that begins while a sweep runs is waited for, whatever its cause: a disk that was remounted read-only, a
server that failed over to a standby. When a database is opened, the same error may be the user's: a wrong path or role.
"""

import re
import sqlite3
from collections.abc import Mapping
from enum import Enum, auto

from sqlalchemy.exc import DBAPIError, OperationalError


class Outage(Enum):
    """Why a call failed, where the call was right."""

    AWAY = auto()
    """The database does not answer, or not now: the same call may succeed later."""
    FULL = auto()
    """Its disk has no space left."""
    CLOSED = auto()
    """It cannot be read or written: bad input when it is opened, away when that begins later."""
    DAMAGED = auto()
    """Its content is broken; waiting does not help."""


SQLITE: Mapping[int, Outage] = {
    sqlite3.SQLITE_BUSY: Outage.AWAY,
    sqlite3.SQLITE_LOCKED: Outage.AWAY,
    sqlite3.SQLITE_PROTOCOL: Outage.AWAY,
    sqlite3.SQLITE_IOERR: Outage.AWAY,
    sqlite3.SQLITE_INTERRUPT: Outage.AWAY,
    sqlite3.SQLITE_FULL: Outage.FULL,
    sqlite3.SQLITE_READONLY: Outage.CLOSED,
    sqlite3.SQLITE_CANTOPEN: Outage.CLOSED,
    sqlite3.SQLITE_PERM: Outage.CLOSED,
    sqlite3.SQLITE_AUTH: Outage.CLOSED,
    sqlite3.SQLITE_NOLFS: Outage.CLOSED,
    sqlite3.SQLITE_CORRUPT: Outage.DAMAGED,
    sqlite3.SQLITE_NOTADB: Outage.DAMAGED,
}
"""By primary result code (sqlite.org/rescode): the low byte of an extended one such as SQLITE_READONLY_DBMOVED."""
POSTGRESQL: Mapping[str, Outage] = {
    "08": Outage.AWAY,  # connection exception
    "25006": Outage.CLOSED,  # read only SQL transaction: a standby, or set so
    "25P03": Outage.AWAY,  # idle in transaction session timeout
    "25P04": Outage.AWAY,  # transaction timeout
    "28": Outage.CLOSED,  # invalid authorization
    "3D": Outage.CLOSED,  # invalid catalog name: the database was dropped
    "40": Outage.AWAY,  # transaction rollback: deadlock, serialization
    "42501": Outage.CLOSED,  # insufficient privilege
    "53": Outage.AWAY,  # insufficient resources: memory, connections
    "53100": Outage.FULL,  # disk full
    "55": Outage.AWAY,  # object not in prerequisite state: lock not available
    "57": Outage.AWAY,  # operator intervention: shutdown, crash, recovery, cancelled
    "58": Outage.AWAY,  # system error
    "XX001": Outage.DAMAGED,  # data corrupted
    "XX002": Outage.DAMAGED,  # index corrupted
}
"""By SQLSTATE, or by the class that its first two characters are (postgresql.org/docs, appendix A)."""
_REFUSED = re.compile(
    r'authentication failed|no password supplied|no pg_hba\.conf entry|(?:database|role) ".*" does not exist'
)
"""What a PostgreSQL server answers that lets nobody in; psycopg has no SQLSTATE of an error while it connects."""


def outage_of(error: DBAPIError) -> Outage | None:
    """The outage behind an error of a database; None if the call itself was wrong."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return SQLITE.get(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return POSTGRESQL.get(state, POSTGRESQL.get(state[:2]))
    if type(error.orig).__module__.startswith("psycopg") and isinstance(error, OperationalError):
        return Outage.CLOSED if _REFUSED.search(str(error.orig)) else Outage.AWAY
    return Outage.AWAY if error.connection_invalidated else None
