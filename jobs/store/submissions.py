"""Submitted sweeps: versions of their files that wait for a driver, and who takes them.

A submission is taken together with the lease on its sweep (`Drivers.drive`), which says whether whoever took it is
alive. `golfsweep run FILE` submits its file, too, and takes it itself. Of a sweep's versions only the latest is ever
queued, driven or paused.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from golf.errors import shown_name
from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import WrongState
from jobs.state import EventKind, SubmissionState
from jobs.store.event_log import record_event
from jobs.store.rows import SubmissionRecord
from jobs.store.transactions import Transactions

WAITING = (SubmissionState.QUEUED, SubmissionState.TAKEN)
"""States in which a process may take it, unless a live one has its sweep's lease."""
DRIVEN = (SubmissionState.TAKEN, SubmissionState.BY_HAND)
"""States in which a process drives its sweep, or did until it fell silent."""
ACTIVE = (*WAITING, SubmissionState.BY_HAND)
"""States in which whoever has its sweep's lease goes on with it."""
OPEN = (*ACTIVE, SubmissionState.PAUSED)
"""States in which it has not come to its end."""
REPLACED = "replaced by version {}"
BY_USER = "cancelled by {}"
NOT_SUBMITTED = "has no file in the database; golfsweep run FILE puts it there"


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmittedContent:
    """All that decides what a submission runs."""

    file: str
    assignments: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What tells it from every other content."""
        content = {"file": self.file, "set": list(self.assignments), "files": dict(self.files)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission, and whether it is new."""

    record: SubmissionRecord
    is_new: bool


class Submissions(Transactions):
    """Submitted sweeps of a store."""

    def submit(
        self,
        sweep: str,
        content: SubmittedContent,
        *,
        agent: str | None = None,
        tags: Sequence[str] = (),
        priority: int = 0,
    ) -> Submitted:
        """Write down a version of a sweep's file, unless the latest version has the same content.

        Args:
            sweep: the name that the file gives it.
            content: what is to be run; it was checked before.
            agent: name of the agent that submits it; None for a person.
            tags: added to the sweep's when it is begun.
            priority: that of the file.
        """
        with self._write() as connection:
            hold(connection, f"submissions of {sweep}")
            last = latest_submission(connection, sweep)
            if last is not None and last.digest == content.digest:
                return Submitted(last, is_new=False)
            version = 1 if last is None else last.version + 1
            if last is not None and last.state in OPEN:
                self._change_submission(connection, last, SubmissionState.ENDED, REPLACED.format(version))
            record = SubmissionRecord(
                ticket=secrets.token_hex(8),
                sweep=sweep,
                version=version,
                digest=content.digest,
                file=content.file,
                assignments=tuple(content.assignments),
                files=dict(content.files),
                owner=self.user,
                agent=agent,
                tags=tuple(sorted(set(tags))),
                state=SubmissionState.QUEUED,
                reason=None,
                priority=priority,
                created=self._clock(),
            )
            connection.execute(tables.submissions.insert(), _row(record))
            facts = {"version": version, "ticket": record.ticket}
            record_event(connection, EventKind.SWEEP_SUBMITTED, record.created, self.user, sweep=sweep, **facts)
        return Submitted(record, is_new=True)

    def submission(self, sweep: str) -> SubmissionRecord | None:
        """The latest version of a sweep; None if it was never submitted."""
        with self._read() as connection:
            return latest_submission(connection, sweep)

    def submission_versions(self, sweep: str) -> list[SubmissionRecord]:
        """All versions of a sweep, the oldest first."""
        table = tables.submissions
        with self._read() as connection:
            rows = connection.execute(select(table).where(table.c.sweep == sweep).order_by(table.c.version)).mappings()
            return [_record(row) for row in rows]

    def open_submissions(self) -> list[SubmissionRecord]:
        """The submissions that wait, are driven or are paused: the highest priority first, of equals the oldest."""
        table = tables.submissions
        query = select(table).where(table.c.state.in_(OPEN))
        with self._read() as connection:
            rows = connection.execute(query.order_by(table.c.priority.desc(), table.c.created, table.c.ticket))
            return [_record(row) for row in rows.mappings()]

    def last_submissions(self) -> list[SubmissionRecord]:
        """The latest version of every sweep that was submitted, the oldest first."""
        table = tables.submissions
        with self._read() as connection:
            rows = connection.execute(_newest(table).order_by(table.c.created, table.c.ticket)).mappings()
            return [_record(row) for row in rows]

    # What whoever drives them does

    def take_submission(self, ticket: str) -> bool:
        """Have the holder of its sweep's lease drive a submission; False if it does not wait any more."""
        with self._write() as connection:
            record = _locked(connection, ticket)
            if record is None or record.state not in WAITING:
                return False
            self._check_lease(connection, record.sweep)
            self._change_submission(connection, record, SubmissionState.TAKEN, None)
            self._record_event(connection, EventKind.SUBMISSION_TAKEN, record)
            return True

    def take_by_hand(self, sweep: str, *, waiting: bool = False) -> SubmissionRecord | None:
        """Have the holder of a sweep's lease, who was started with its file, drive the latest version.

        Args:
            sweep: its name.
            waiting: only if it waits; else whatever became of it before.

        Returns:
            The version; None if it is not to be driven.
        """
        with self._write() as connection:
            record = latest_submission(connection, sweep, lock=True)
            if record is None or (waiting and record.state not in WAITING):
                return None
            self._check_lease(connection, sweep)
            self._change_submission(connection, record, SubmissionState.BY_HAND, None)
            self._record_event(connection, EventKind.SUBMISSION_TAKEN, record)
            return replace(record, state=SubmissionState.BY_HAND, reason=None)

    def return_submission(self, ticket: str, reason: str | None = None) -> None:
        """Give a submission back that was taken, so that another process may take it; no error if it is not taken."""
        self._leave(ticket, SubmissionState.QUEUED, EventKind.SUBMISSION_RETURNED, reason)

    def end_submission(self, ticket: str, reason: str | None) -> None:
        """Write down that a taken submission has ended, and why; no error if it is not taken."""
        self._leave(ticket, SubmissionState.ENDED, EventKind.SUBMISSION_ENDED, reason)

    def _leave(self, ticket: str, state: SubmissionState, kind: EventKind, reason: str | None) -> None:
        with self._write() as connection:
            record = _locked(connection, ticket)
            if record is not None and record.state in DRIVEN:
                self._check_lease(connection, record.sweep)
                self._change_submission(connection, record, state, reason)
                self._record_event(connection, kind, record, reason=reason)

    def _change_submission(
        self, connection: Connection, record: SubmissionRecord, state: SubmissionState, reason: str | None
    ) -> None:
        table = tables.submissions
        connection.execute(table.update().where(table.c.ticket == record.ticket), {"state": state, "reason": reason})

    def _record_event(self, connection: Connection, kind: EventKind, record: SubmissionRecord, **facts: Any) -> None:
        facts = {"version": record.version, "ticket": record.ticket} | facts
        record_event(connection, kind, self._clock(), self._actor(record.sweep), sweep=record.sweep, **facts)


def close_submission(connection: Connection, sweep: str, user: str) -> bool:
    """Cancel the latest version of a sweep if it is open, within the transaction that cancels the sweep."""
    table, last = tables.submissions, latest_submission(connection, sweep, lock=True)
    if last is None or last.state not in OPEN:
        return False
    values = {"state": SubmissionState.CANCELLED, "reason": BY_USER.format(user)}
    connection.execute(table.update().where(table.c.ticket == last.ticket), values)
    return True


def submitted_contents(connection: Connection) -> set[str]:
    """Digests of the files of every sweep's latest version, which may be driven once more."""
    files = connection.execute(_newest(tables.submissions.c.files)).scalars()
    return {digest for each in files for digest in each.values()}


def _newest(*columns: Any) -> Select[Any]:
    """Some columns of the latest version of each sweep."""
    table = tables.submissions
    newest = select(table.c.sweep, func.max(table.c.version)).group_by(table.c.sweep)
    return select(*columns).where(tuple_(table.c.sweep, table.c.version).in_(newest))


def latest_submission(connection: Connection, sweep: str, *, lock: bool = False) -> SubmissionRecord | None:
    table = tables.submissions
    query = select(table).where(table.c.sweep == sweep).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _record(row)


def required_submission(connection: Connection, sweep: str) -> SubmissionRecord:
    if (record := latest_submission(connection, sweep, lock=True)) is None:
        raise WrongState(f"sweep {shown_name(sweep)}: {NOT_SUBMITTED}")
    return record


def _locked(connection: Connection, ticket: str) -> SubmissionRecord | None:
    table = tables.submissions
    row = connection.execute(select(table).where(table.c.ticket == ticket).with_for_update()).mappings().first()
    return None if row is None else _record(row)


def _record(row: Any) -> SubmissionRecord:
    lists = {"assignments": tuple(row["assignments"]), "tags": tuple(row["tags"])}
    return SubmissionRecord(**{**row, **lists})


def _row(record: SubmissionRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    return values | {"assignments": list(record.assignments), "tags": list(record.tags), "files": dict(record.files)}
