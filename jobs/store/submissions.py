"""Submitted sweeps: versions of their files that wait for a driver, and what people decide about them.

A submission is taken together with the lease on its sweep (`Drivers.drive`), which says whether whoever took it is
alive. Of a sweep's versions only the latest is ever queued, taken or paused.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from golf.errors import shown_name
from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import WrongState
from jobs.state import EventKind, JobState, SubmissionState, SweepState
from jobs.store.event_log import record_event
from jobs.store.rows import SubmissionRecord
from jobs.store.transactions import Transactions

OPEN = (SubmissionState.QUEUED, SubmissionState.TAKEN, SubmissionState.PAUSED)
"""States from which a submission may still be driven without anybody asking for it."""
WAITING = (SubmissionState.QUEUED, SubmissionState.TAKEN)
"""States in which a process may take it, unless a live one has its sweep's lease."""
REPLACED = "replaced by version {}"
BY_USER = "cancelled by {}"
NOT_SUBMITTED = "was not submitted to the service, but run by golfsweep run FILE"


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
            last = _latest(connection, sweep)
            if last is not None and last.digest == content.digest:
                return Submitted(last, is_new=False)
            version = 1 if last is None else last.version + 1
            if last is not None and last.state in OPEN:
                self._change(connection, last, SubmissionState.ENDED, REPLACED.format(version))
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
            return _latest(connection, sweep)

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
            self._change(connection, record, SubmissionState.TAKEN, None)
            self._record(connection, EventKind.SUBMISSION_TAKEN, record)
            return True

    def return_submission(self, ticket: str, reason: str | None = None) -> None:
        """Give a submission back that was taken, so that another process may take it; no error if it is not taken."""
        self._leave(ticket, SubmissionState.QUEUED, EventKind.SUBMISSION_RETURNED, reason)

    def end_submission(self, ticket: str, reason: str | None) -> None:
        """Write down that a taken submission has ended, and why; no error if it is not taken."""
        self._leave(ticket, SubmissionState.ENDED, EventKind.SUBMISSION_ENDED, reason)

    # What people decide

    def pause_sweep(self, sweep: str) -> SubmissionRecord:
        """Stop a submitted sweep until somebody resumes it; what has finished is kept.

        Raises:
            WrongState: it was not submitted, or has ended.
        """
        reason = f"paused by {self.user}"
        with self._write() as connection:
            record = _required(connection, sweep)
            if record.state == SubmissionState.PAUSED:
                return record
            if record.state not in WAITING:
                raise WrongState(f"sweep {shown_name(sweep)}: {_describe(record)}; only one that waits or runs pauses")
            self._change(connection, record, SubmissionState.PAUSED, reason)
            self._record(connection, EventKind.SWEEP_PAUSED, record)
            _stop(connection, sweep, reason)
            return _required(connection, sweep)

    def resume_sweep(self, sweep: str) -> SubmissionRecord:
        """Let a submitted sweep be driven once more that was paused, was cancelled, or ended before it was done.

        Raises:
            WrongState: it was not submitted, or is done.
        """
        table = tables.sweeps
        with self._write() as connection:
            record = _required(connection, sweep)
            if record.state in WAITING:
                return record
            state = connection.execute(select(table.c.state).where(table.c.name == sweep)).scalar()
            if state == SweepState.DONE and record.state == SubmissionState.ENDED:
                raise WrongState(f"sweep {shown_name(sweep)}: is done; submit an edited file to do more")
            self._change(connection, record, SubmissionState.QUEUED, None)
            self._record(connection, EventKind.SWEEP_RESUMED, record)
            return _required(connection, sweep)

    def cancel_submission(self, sweep: str) -> bool:
        """End the wait of a submitted sweep for good; returns whether it was open.

        A sweep that was begun is left to `cancel_sweep`, which does this, too.
        """
        with self._write() as connection:
            if not (is_open := close_submission(connection, sweep, self.user)):
                return False
            record = _required(connection, sweep)
            self._record(connection, EventKind.SWEEP_CANCELLED, record)
            return is_open

    def set_priority(self, sweep: str, priority: int) -> SubmissionRecord:
        """Have the jobs of a submitted sweep go before, or after, those of others.

        Jobs that another sweep needs as well keep the priority that they have.

        Raises:
            WrongState: it was not submitted.
        """
        table, jobs, needed = tables.submissions, tables.jobs, tables.sweep_jobs
        with self._write() as connection:
            record = _required(connection, sweep)
            connection.execute(table.update().where(table.c.ticket == record.ticket), {"priority": priority})
            facts = {"before": record.priority, "priority": priority}
            self._record(connection, EventKind.SWEEP_PRIORITIZED, record, **facts)
            others = needed.alias()
            own = select(needed.c.key).where(needed.c.sweep == sweep)
            shared = select(others.c.key).where(others.c.sweep != sweep)
            query = select(jobs.c.key).where(
                jobs.c.state == JobState.QUEUED, jobs.c.key.in_(own), jobs.c.key.not_in(shared)
            )
            keys = connection.execute(query.order_by(jobs.c.key).with_for_update()).scalars().all()
            connection.execute(jobs.update().where(jobs.c.key.in_(keys)), {"priority": priority})
            return _required(connection, sweep)

    def set_tags(self, sweep: str, tags: Sequence[str]) -> None:
        """Have a sweep, begun or only submitted, carry these tags and no others.

        Raises:
            WrongState: there is neither.
        """
        with self._write() as connection:
            record, table = _latest(connection, sweep, lock=True), tables.sweeps
            values = {"tags": sorted(set(tags))}
            begun = connection.execute(table.update().where(table.c.name == sweep), values).rowcount
            if record is not None:
                this = tables.submissions.c.ticket == record.ticket
                connection.execute(tables.submissions.update().where(this), values)
            elif not begun:
                raise WrongState(f"sweep {shown_name(sweep)}: is not there; golfsweep ls lists all sweeps")
            record_event(connection, EventKind.SWEEP_TAGGED, self._clock(), self.user, sweep=sweep, **values)

    def _leave(self, ticket: str, state: SubmissionState, kind: EventKind, reason: str | None) -> None:
        with self._write() as connection:
            record = _locked(connection, ticket)
            if record is not None and record.state == SubmissionState.TAKEN:
                self._check_lease(connection, record.sweep)
                self._change(connection, record, state, reason)
                self._record(connection, kind, record, reason=reason)

    def _change(
        self, connection: Connection, record: SubmissionRecord, state: SubmissionState, reason: str | None
    ) -> None:
        table = tables.submissions
        connection.execute(table.update().where(table.c.ticket == record.ticket), {"state": state, "reason": reason})

    def _record(self, connection: Connection, kind: EventKind, record: SubmissionRecord, **facts: Any) -> None:
        facts = {"version": record.version, "ticket": record.ticket} | facts
        record_event(connection, kind, self._clock(), self._actor(record.sweep), sweep=record.sweep, **facts)


def close_submission(connection: Connection, sweep: str, user: str) -> bool:
    """Cancel the latest version of a sweep if it is open, within the transaction that cancels the sweep."""
    table, last = tables.submissions, _latest(connection, sweep, lock=True)
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


def _stop(connection: Connection, sweep: str, reason: str) -> None:
    """Stop a sweep if it runs; its driver notices at its next look."""
    table = tables.sweeps
    running = (table.c.name == sweep) & (table.c.state == SweepState.RUNNING)
    connection.execute(table.update().where(running), {"state": SweepState.STOPPED, "reason": reason})


def _latest(connection: Connection, sweep: str, *, lock: bool = False) -> SubmissionRecord | None:
    table = tables.submissions
    query = select(table).where(table.c.sweep == sweep).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _record(row)


def _required(connection: Connection, sweep: str) -> SubmissionRecord:
    if (record := _latest(connection, sweep, lock=True)) is None:
        raise WrongState(f"sweep {shown_name(sweep)}: {NOT_SUBMITTED}; whoever runs it decides about it")
    return record


def _locked(connection: Connection, ticket: str) -> SubmissionRecord | None:
    table = tables.submissions
    row = connection.execute(select(table).where(table.c.ticket == ticket).with_for_update()).mappings().first()
    return None if row is None else _record(row)


def _describe(record: SubmissionRecord) -> str:
    return f"is {record.state}" + (f" ({record.reason})" if record.reason else "")


def _record(row: Any) -> SubmissionRecord:
    lists = {"assignments": tuple(row["assignments"]), "tags": tuple(row["tags"])}
    return SubmissionRecord(**{**row, **lists})


def _row(record: SubmissionRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    return values | {"assignments": list(record.assignments), "tags": list(record.tags), "files": dict(record.files)}
