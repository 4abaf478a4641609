"""Trials of searches: the parameters that were drawn, and the values that were reported."""

from sqlalchemy import select

from jobs.database import tables
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.rows import TrialRecord
from jobs.store.transactions import Transactions, write_row


class Trials(Transactions):
    """Trials of a store's searches."""

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None:
        """Write a drawn trial down, or its result; `search` tells searches of one sweep's name apart."""
        key = {"sweep": sweep, "search": search, "number": trial.number}
        values = {
            "parameters": dict(trial.parameters), "distributions": dict(trial.distributions), "state": trial.state,
            "value": trial.value,
        }  # fmt: skip
        kind = EventKind.TRIAL_DRAWN if trial.state == "running" else EventKind.TRIAL_REPORTED
        facts = {"trial": trial.number, "state": trial.state, "value": trial.value, "search": search}
        with self._write() as connection:
            self._check_lease(connection, sweep)
            write_row(connection, tables.trials, key, values)
            record_event(connection, kind, self._clock(), self._actor(sweep), sweep=sweep, **facts)

    def trials(self, sweep: str, search: str, after: int | None = None, limit: int | None = None) -> list[TrialRecord]:
        """Trials of a search in the order of their numbers: those beyond a number, so many at most."""
        table = tables.trials
        columns = (table.c.number, table.c.parameters, table.c.distributions, table.c.state, table.c.value)
        query = select(*columns).where(table.c.sweep == sweep, table.c.search == search).order_by(table.c.number)
        query = query if after is None else query.where(table.c.number > after)
        query = query if limit is None else query.limit(limit)
        with self._read() as connection:
            return [TrialRecord(**row) for row in connection.execute(query).mappings()]
