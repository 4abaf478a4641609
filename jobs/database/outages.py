"""What an error of a database means: one table for SQLite's result codes, and one for PostgreSQL's SQLSTATEs.

An outage that begins while a sweep runs is waited for, whatever its cause. When a database is opened, what keeps
everybody out may be the user's error, a wrong path or role; what only keeps from writing (a disk that was remounted
read-only, a server that failed over to a standby) is an outage then, too.
"""

import re
import sqlite3
from collections.abc import Mapping
from enum import Enum, auto

from sqlalchemy.exc import DBAPIError, OperationalError


class DatabaseOutage(Enum):
    """Why a call failed, where the call was right."""

    AWAY = auto()
    """The database does not answer, or not now: the same call may succeed later."""
    FULL = auto()
    """Its disk has no space left."""
    CLOSED = auto()
    """It lets nobody in: bad input when it is opened, away when that begins later."""
    DAMAGED = auto()
    """Its content is broken; waiting does not help."""


SQLITE: Mapping[int, DatabaseOutage] = {
    sqlite3.SQLITE_BUSY: DatabaseOutage.AWAY,
    sqlite3.SQLITE_LOCKED: DatabaseOutage.AWAY,
    sqlite3.SQLITE_PROTOCOL: DatabaseOutage.AWAY,
    sqlite3.SQLITE_IOERR: DatabaseOutage.AWAY,
    sqlite3.SQLITE_INTERRUPT: DatabaseOutage.AWAY,
    sqlite3.SQLITE_FULL: DatabaseOutage.FULL,
    sqlite3.SQLITE_READONLY: DatabaseOutage.AWAY,
    sqlite3.SQLITE_CANTOPEN: DatabaseOutage.CLOSED,
    sqlite3.SQLITE_PERM: DatabaseOutage.CLOSED,
    sqlite3.SQLITE_AUTH: DatabaseOutage.CLOSED,
    sqlite3.SQLITE_NOLFS: DatabaseOutage.CLOSED,
    sqlite3.SQLITE_CORRUPT: DatabaseOutage.DAMAGED,
    sqlite3.SQLITE_NOTADB: DatabaseOutage.DAMAGED,
}
"""By primary result code (sqlite.org/rescode): the low byte of an extended one such as SQLITE_READONLY_DBMOVED."""
POSTGRESQL: Mapping[str, DatabaseOutage] = {
    "08": DatabaseOutage.AWAY,  # connection exception
    "25006": DatabaseOutage.AWAY,  # read only SQL transaction: a standby, or set so
    "25P03": DatabaseOutage.AWAY,  # idle in transaction session timeout
    "25P04": DatabaseOutage.AWAY,  # transaction timeout
    "28": DatabaseOutage.CLOSED,  # invalid authorization
    "3D": DatabaseOutage.CLOSED,  # invalid catalog name: the database was dropped
    "40": DatabaseOutage.AWAY,  # transaction rollback: deadlock, serialization
    "42501": DatabaseOutage.CLOSED,  # insufficient privilege
    "53": DatabaseOutage.AWAY,  # insufficient resources: memory, connections
    "53100": DatabaseOutage.FULL,  # disk full
    "55": DatabaseOutage.AWAY,  # object not in prerequisite state: lock not available
    "57": DatabaseOutage.AWAY,  # operator intervention: shutdown, crash, recovery, cancelled
    "58": DatabaseOutage.AWAY,  # system error
    "XX001": DatabaseOutage.DAMAGED,  # data corrupted
    "XX002": DatabaseOutage.DAMAGED,  # index corrupted
}
"""By SQLSTATE, or by the class that its first two characters are (postgresql.org/docs, appendix A)."""
_REFUSED = re.compile(
    r'authentication failed|no password supplied|no pg_hba\.conf entry|(?:database|role) ".*" does not exist'
)
"""What a PostgreSQL server answers that lets nobody in; psycopg has no SQLSTATE of an error while it connects."""


def outage_of(error: DBAPIError) -> DatabaseOutage | None:
    """The outage behind an error of a database; None if the call itself was wrong."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return SQLITE.get(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return POSTGRESQL.get(state, POSTGRESQL.get(state[:2]))
    if type(error.orig).__module__.startswith("psycopg") and isinstance(error, OperationalError):
        return DatabaseOutage.CLOSED if _REFUSED.search(str(error.orig)) else DatabaseOutage.AWAY
    return DatabaseOutage.AWAY if error.connection_invalidated else None
