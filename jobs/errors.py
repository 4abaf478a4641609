"""Errors of the database, the file store and the leases on them: what a caller may retry, and what it must give up."""

import errno

from golf.errors import InputError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a disk that is full, or on which nothing more may be written."""


CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Error numbers of a place in which nothing may be written."""


class Unavailable(ConnectionError):
    """A service does not answer. Nothing was written; the same call may succeed later."""


class StoreUnavailable(Unavailable):
    """The database or the file store does not answer, or has no room."""


class LostClaim(RuntimeError):
    """Another scheduler has the job now, or it has ended; the results of this attempt are not needed."""


class OverBudget(RuntimeError):
    """An attempt must not start, because its sweep's budget or deadline does not allow it."""


class AlreadyTaken(RuntimeError):
    """Another process schedules this cluster."""


class AlreadyDriven(InputError):
    """Another process drives this sweep; the message names its host and process."""

    def __init__(self, message: str, *, certain: bool = True) -> None:
        """`certain`: whether that process is known to live; else its heartbeat has yet to be watched."""
        super().__init__(message)
        self.certain = certain


class WrongState(InputError):
    """A sweep, submission, job or webhook is in a state in which what was asked for cannot be done."""


class LostLease(RuntimeError):
    """Another process drives this sweep by now, because this one was silent for too long; it must write no more."""


class NotReady(InputError):
    """This node lacks what a job needs; another may have it."""


class Unreadable(InputError):
    """A content is missing from the file store, or damaged."""

    def __init__(self, digest: str, message: str) -> None:
        super().__init__(message)
        self.digest = digest


class Forbidden(Unreadable):
    """A content is there, and this user may not read it: it is not lost, and must not be made again."""
