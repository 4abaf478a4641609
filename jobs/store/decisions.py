"""What people decide about sweeps: pause, resume, cancel, priority, tags."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from golf.errors import shown_name
from jobs.database import tables
from jobs.errors import WrongState
from jobs.state import EventKind, JobState, SubmissionState, SweepState
from jobs.store.event_log import record_event
from jobs.store.presence.drivers import Drivers
from jobs.store.rows import SubmissionRecord
from jobs.store.submissions import (
    ACTIVE,
    WAITING,
    Submissions,
    close_submission,
    latest_submission,
    required_submission,
)


class SubmissionDecisions(Submissions, Drivers):
    """Decisions about the sweeps of a store; whoever drives one notices within seconds."""

    def pause_sweep(self, sweep: str) -> SubmissionRecord:
        """Stop a sweep until somebody resumes it; what has finished is kept.

        Raises:
            WrongState: there is no file of it, or it has ended.
        """
        reason = f"paused by {self.user}"
        with self._write() as connection:
            record = required_submission(connection, sweep)
            if record.state == SubmissionState.PAUSED:
                return record
            if record.state not in ACTIVE:
                raise WrongState(f"sweep {shown_name(sweep)}: {_describe(record)}; only one that waits or runs pauses")
            self._change_submission(connection, record, SubmissionState.PAUSED, reason)
            self._record_event(connection, EventKind.SWEEP_PAUSED, record)
            _stop(connection, sweep, reason)
            return required_submission(connection, sweep)

    def resume_sweep(self, sweep: str) -> SubmissionRecord:
        """Let a sweep be driven once more that was paused, was cancelled, or ended before it was done.

        Raises:
            WrongState: there is no file of it, or it is done.
        """
        table = tables.sweeps
        with self._write() as connection:
            record = required_submission(connection, sweep)
            is_driven = record.state in ACTIVE and self._live_driver(connection, sweep, shown=True) is not None
            if record.state in WAITING or is_driven:
                return record
            state = connection.execute(select(table.c.state).where(table.c.name == sweep)).scalar()
            if state == SweepState.DONE and record.state == SubmissionState.ENDED:
                raise WrongState(f"sweep {shown_name(sweep)}: is done; submit an edited file to do more")
            self._change_submission(connection, record, SubmissionState.QUEUED, None)
            self._record_event(connection, EventKind.SWEEP_RESUMED, record)
            return required_submission(connection, sweep)

    def cancel_submission(self, sweep: str) -> bool:
        """End the wait of a sweep for good; returns whether it was open.

        A sweep that was begun is left to `cancel_sweep`, which does this, too.
        """
        with self._write() as connection:
            if not (is_open := close_submission(connection, sweep, self.user)):
                return False
            record = required_submission(connection, sweep)
            self._record_event(connection, EventKind.SWEEP_CANCELLED, record)
            return is_open

    def set_priority(self, sweep: str, priority: int) -> SubmissionRecord:
        """Have the jobs of a sweep go before, or after, those of others.

        Jobs that another sweep needs as well keep the priority that they have.

        Raises:
            WrongState: there is no file of it.
        """
        table, jobs, needed = tables.submissions, tables.jobs, tables.sweep_jobs
        with self._write() as connection:
            record = required_submission(connection, sweep)
            connection.execute(table.update().where(table.c.ticket == record.ticket), {"priority": priority})
            facts = {"before": record.priority, "priority": priority}
            self._record_event(connection, EventKind.SWEEP_PRIORITIZED, record, **facts)
            others = needed.alias()
            own = select(needed.c.key).where(needed.c.sweep == sweep)
            shared = select(others.c.key).where(others.c.sweep != sweep)
            query = select(jobs.c.key).where(
                jobs.c.state == JobState.QUEUED, jobs.c.key.in_(own), jobs.c.key.not_in(shared)
            )
            keys = connection.execute(query.order_by(jobs.c.key).with_for_update()).scalars().all()
            connection.execute(jobs.update().where(jobs.c.key.in_(keys)), {"priority": priority})
            return required_submission(connection, sweep)

    def set_tags(self, sweep: str, tags: Sequence[str]) -> None:
        """Have a sweep, begun or only submitted, carry these tags and no others.

        Raises:
            WrongState: there is neither.
        """
        with self._write() as connection:
            record, table = latest_submission(connection, sweep, lock=True), tables.sweeps
            values = {"tags": sorted(set(tags))}
            begun = connection.execute(table.update().where(table.c.name == sweep), values).rowcount
            if record is not None:
                this = tables.submissions.c.ticket == record.ticket
                connection.execute(tables.submissions.update().where(this), values)
            elif not begun:
                raise WrongState(f"sweep {shown_name(sweep)}: is not there; golfsweep ls lists all sweeps")
            record_event(connection, EventKind.SWEEP_TAGGED, self._clock(), self.user, sweep=sweep, **values)


def _stop(connection: Connection, sweep: str, reason: str) -> None:
    """Stop a sweep if it runs; its driver notices at its next look."""
    table = tables.sweeps
    running = (table.c.name == sweep) & (table.c.state == SweepState.RUNNING)
    connection.execute(table.update().where(running), {"state": SweepState.STOPPED, "reason": reason})


def _describe(record: SubmissionRecord) -> str:
    return f"is {record.state}" + (f" ({record.reason})" if record.reason else "")
