"""Outputs that somebody gives: a job is done without running."""

from collections.abc import Mapping
from typing import Any

from jobs.database import tables
from jobs.database.engine import hold
from jobs.spec import Order
from jobs.state import EventKind, JobState
from jobs.store.event_log import record_event
from jobs.store.rows import JobRecord
from jobs.store.transactions import Transactions, write_row
from jobs.store.work.contents import link_outputs
from jobs.store.work.jobs import insert_job, lock_job, select_jobs
from jobs.store.work.needs import write_need


class Attaching(Transactions):
    """Attaches outputs to a store's jobs."""

    def attach(self, order: Order, outputs: Mapping[str, Any], sizes: Mapping[str, int]) -> JobRecord | None:
        """Write down that a job is done with these outputs, unless it runs or is done.

        Args:
            order: the job, for one of the sweeps that need it.
            outputs: by name, as plain JSON.
            sizes: bytes by digest, of those outputs that are contents of the file store, where they are by now.

        Returns:
            The job; None if it runs or is done already.
        """
        key, now = order.job.key, self._clock()
        with self._write() as connection:
            row = lock_job(connection, key)
            if row is None:
                hold(connection, "new jobs")  # another process may be making it at this moment
                row = lock_job(connection, key)
            if row is None:
                insert_job(connection, order, now)
            elif row.state in (JobState.RUNNING, JobState.DONE):
                return None
            write_row(connection, tables.sweep_jobs, {"sweep": order.sweep, "key": key}, {"label": order.label})
            write_need(connection, order)
            changed = {
                "state": JobState.DONE, "outputs": dict(outputs), "finished": now, "seconds": None, "fraction": 1.0,
                "note": "", "claimed_by": None, "checkpoint": None, "reason": None,
            }  # fmt: skip
            connection.execute(tables.jobs.update().where(tables.jobs.c.key == key), changed)
            link_outputs(connection, key, outputs, sizes, now)
            about = {"sweep": order.sweep, "entry": order.entry, "key": key, "label": order.label}
            record_event(connection, EventKind.JOB_ATTACHED, now, self._actor(order.sweep), **about)
            [record] = select_jobs(connection, tables.jobs.c.key == key, sweep=order.sweep)
        return record
