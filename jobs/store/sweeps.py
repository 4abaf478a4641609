"""Sweeps: their definitions, how they stand, and what they have spent of their budgets."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select

from golf.errors import InputError, shown_name
from jobs.budget import Account, Budget, reservation
from jobs.database import tables
from jobs.state import AttemptState, EventKind, SweepState
from jobs.store.event_log import record_event
from jobs.store.rows import SweepRecord
from jobs.store.transactions import Transactions, write_row
from jobs.store.work.accounts import account_of, elapsed


class Sweeps(Transactions):
    """Sweeps of a store."""

    def put_sweep(
        self, name: str, spec: Mapping[str, Any], budget: Budget | None = None, owner: str | None = None
    ) -> None:
        """Write a sweep down, or its new definition; it is running from now on.

        Args:
            name: its name.
            spec: its file and what that was resolved to.
            budget: its limits.
            owner: whose it is, by default this process's user; an existing sweep keeps its owner.
        """
        values = {
            "spec": dict(spec),
            "state": SweepState.RUNNING,
            "reason": None,
            "budget": None if budget is None else asdict(budget),
        }
        once = {"created": self._clock(), "owner": owner or self.user}
        with self._write() as connection:
            self._check_lease(connection, name)
            is_new = write_row(connection, tables.sweeps, {"name": name}, values, **once)
            record_event(connection, EventKind.SWEEP_PUT, self._clock(), self._actor(name), sweep=name, new=is_new)

    def tag(self, name: str, tags: Collection[str]) -> None:
        """Add tags to a sweep.

        Raises:
            InputError: there is no such sweep.
        """
        table = tables.sweeps
        with self._write() as connection:
            self._check_lease(connection, name)
            query = select(table.c.tags).where(table.c.name == name).with_for_update()
            if (before := connection.execute(query).scalar()) is None:
                raise InputError(f'no sweep "{shown_name(name)}" to tag; golfsweep ls lists all sweeps')
            if new := sorted(set(tags) - set(before)):
                connection.execute(table.update().where(table.c.name == name), {"tags": sorted([*before, *new])})
                record_event(connection, EventKind.SWEEP_TAGGED, self._clock(), self._actor(name), sweep=name, tags=new)

    def end_sweep(self, name: str, state: SweepState, reason: str | None = None) -> None:
        """End a running sweep and say why; one that has ended already stays as it is."""
        table = tables.sweeps
        with self._write() as connection:
            self._check_lease(connection, name)
            this_row = (table.c.name == name) & (table.c.state == SweepState.RUNNING)
            if connection.execute(table.update().where(this_row), {"state": state, "reason": reason}).rowcount:
                who, facts = self._actor(name), {"state": state.value, "reason": reason}
                record_event(connection, EventKind.SWEEP_ENDED, self._clock(), who, sweep=name, **facts)

    def sweep(self, name: str) -> SweepRecord | None:
        """One sweep by name."""
        return next(iter(self._sweeps(tables.sweeps.c.name == name)), None)

    def sweeps(self) -> list[SweepRecord]:
        """All sweeps, oldest first."""
        return self._sweeps()

    def budget(self, sweep: str) -> Budget:
        """A sweep's limits and price as they stand."""
        with self._read() as connection:
            query = select(tables.sweeps.c.budget).where(tables.sweeps.c.name == sweep)
            return Budget(**connection.execute(query).scalar() or {})

    def account(self, name: str) -> Account:
        """What a sweep has spent and reserved."""
        with self._read() as connection:
            return account_of(connection, name)

    def overspent(self) -> dict[str, str]:
        """Running sweeps that have used up their budget, or whose deadline is past, and the reason of each."""
        table, sweeps = tables.attempts, tables.sweeps
        used = func.coalesce(func.sum(table.c.slots * elapsed(self._ticks())), 0.0) / 3600
        runs = (table.c.sweep == sweeps.c.name) & (table.c.state == AttemptState.RUNNING)
        query = (
            select(sweeps.c.name, sweeps.c.budget, sweeps.c.spent_hours, used, func.count(table.c.key))
            .select_from(sweeps.outerjoin(table, runs))
            .where(sweeps.c.state == SweepState.RUNNING)
            .group_by(sweeps.c.name)
            .order_by(sweeps.c.created)
        )
        with self._read() as connection:
            rows = connection.execute(query).all()
        overspent = {}
        for name, limits, spent, hours, running in rows:
            budget = Budget(**limits or {})
            # A sweep of which nothing runs may have spent the last of its budget on its last job.
            checked = budget if running else Budget(deadline=budget.deadline)
            refused = reservation(checked, Account(spent=spent + hours, reserved=0.0), 0, 0.0, self._date())
            if isinstance(refused, str):
                overspent[name] = refused
        return overspent

    def _sweeps(self, *conditions: Any) -> list[SweepRecord]:
        query = select(tables.sweeps).where(*conditions).order_by(tables.sweeps.c.created)
        with self._read() as connection:
            return [SweepRecord(**{**row, "tags": tuple(row["tags"])}) for row in connection.execute(query).mappings()]
