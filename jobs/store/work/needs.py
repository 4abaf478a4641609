"""Which leaderboard entries and trials of a sweep need which jobs. What a whole search shares is not among them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.spec import Order
from jobs.store.transactions import Transactions, write_row


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialKeys:
    """Keys of the jobs that a trial needs."""

    own: tuple[str, ...]
    """Those that nothing else of the sweep needs."""
    shared: tuple[str, ...]


class JobNeeds(Transactions):
    """Needs of a store's entries."""

    def keys_of_trial(self, sweep: str, number: int) -> TrialKeys | None:
        """Jobs that a trial needs, in the order in which they were made; None where the sweep has no such trial.

        What all trials of a search share is not among them.
        """
        needs, table, trials = tables.job_entries, tables.jobs, tables.trials
        needed_by_trial = select(needs.c.key).where(needs.c.sweep == sweep, needs.c.trial == number)
        query = (
            select(needs.c.key, needs.c.trial)
            .join(table, table.c.key == needs.c.key)
            .where(needs.c.sweep == sweep, needs.c.key.in_(needed_by_trial))
            .order_by(table.c.number)
        )
        drawn = select(trials.c.number).where(trials.c.sweep == sweep, trials.c.number == number)
        with self._read() as connection:
            rows = connection.execute(query).all()
            if not rows and connection.execute(drawn).first() is None:
                return None
        shared = dict.fromkeys(row.key for row in rows if row.trial != number)
        own = dict.fromkeys(row.key for row in rows if row.key not in shared)
        return TrialKeys(own=tuple(own), shared=tuple(shared))


def write_need(connection: Connection, order: Order) -> None:
    """Write down that the entry of an order, if it has one, needs the job."""
    if order.entry is not None:
        row = {"sweep": order.sweep, "key": order.job.key, "entry": order.entry}
        write_row(connection, tables.job_entries, row, {"trial": order.trial})


def read_needs(connection: Connection, *conditions: Any) -> dict[tuple[str, str], dict[str, int | None]]:
    """Entries and their trials by sweep and key, of the jobs that fulfil all conditions."""
    needs = tables.job_entries
    query = select(needs).join(tables.jobs, tables.jobs.c.key == needs.c.key).where(*conditions)
    needed_by: dict[tuple[str, str], dict[str, int | None]] = {}
    for row in connection.execute(query.order_by(needs.c.entry)):
        needed_by.setdefault((row.sweep, row.key), {})[row.entry] = row.trial
    return needed_by


def forget_needs(connection: Connection, sweep: str, keys: Collection[str]) -> None:
    """A sweep has no more use for some jobs."""
    needs = tables.job_entries
    connection.execute(needs.delete().where(needs.c.sweep == sweep, needs.c.key.in_(list(keys))))


def single(needed_by: Mapping[str, int | None]) -> tuple[str | None, int | None]:
    """The entry that needs a job, and its trial; None where several do, or none."""
    return next(iter(needed_by.items())) if len(needed_by) == 1 else (None, None)
