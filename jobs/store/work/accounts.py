"""Accounts of sweeps, within a transaction: hours are reserved when an attempt starts, and settled when it ends."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from jobs.budget import Account, Budget, reservation
from jobs.database import tables
from jobs.errors import LostClaim, OverBudget
from jobs.state import AttemptState, SweepState


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedAttempt:
    """Whose an attempt was that has ended."""

    sweep: str | None
    """The sweep that pays."""
    scheduler: str


def account_of(connection: Connection, sweep: str) -> Account:
    """What a sweep has spent and reserved."""
    spent = connection.execute(select(tables.sweeps.c.spent_hours).where(tables.sweeps.c.name == sweep)).scalar()
    return _account(connection, sweep, spent or 0.0)


def reserve_hours(connection: Connection, sweep: str, slots: int, seconds: float | None, now: float) -> float:
    """GPU-hours to reserve for one more attempt; the attempts of one sweep pass here one at a time.

    Raises:
        LostClaim: the sweep is not running any more.
        OverBudget: the sweep cannot pay for it, or its deadline is too near.
    """
    table = tables.sweeps
    query = select(table.c.budget, table.c.spent_hours, table.c.state).where(table.c.name == sweep).with_for_update()
    limits, spent, state = connection.execute(query).one()
    if state != SweepState.RUNNING:
        raise LostClaim(f"sweep {sweep} is {state}")
    hours = reservation(Budget(**limits or {}), _account(connection, sweep, spent), slots, seconds, now)
    if isinstance(hours, str):
        raise OverBudget(hours)
    return hours


def end_attempt(
    connection: Connection, key: str, number: int, state: AttemptState, now: float, **facts: Any
) -> EndedAttempt:
    """Write down how an attempt ended, and settle what it cost with the sweep that pays, at that sweep's price."""
    table, sweeps = tables.attempts, tables.sweeps
    this_row = (table.c.key == key) & (table.c.number == number)
    ended = table.update().where(this_row)
    ended = ended.returning(table.c.sweep, table.c.slots, table.c.started, table.c.scheduler)
    row = connection.execute(ended, {"state": state, "ended": now, **facts}).one()
    if row.sweep is not None:
        hours = row.slots * max(0.0, now - row.started) / 3600
        payer = sweeps.update().where(sweeps.c.name == row.sweep)
        payer = payer.values(spent_hours=sweeps.c.spent_hours + hours).returning(sweeps.c.budget)
        limits = connection.execute(payer).scalar()
        connection.execute(table.update().where(this_row), {"cost": Budget(**limits or {}).cost(hours)})
    return EndedAttempt(sweep=row.sweep, scheduler=row.scheduler)


def lose_attempt(connection: Connection, key: str, number: int, now: float, reason: str) -> EndedAttempt:
    """End an attempt that no scheduler saw end: it is paid until its last heartbeat, since it ran until then."""
    this_row = (tables.attempts.c.key == key) & (tables.attempts.c.number == number)
    beaten = connection.execute(select(tables.attempts.c.heartbeat).where(this_row)).scalar_one()
    return end_attempt(connection, key, number, AttemptState.LOST, min(beaten, now), reason=reason)


def _account(connection: Connection, sweep: str, spent: float) -> Account:
    table = tables.attempts
    query = select(func.coalesce(func.sum(table.c.reserved_hours), 0.0), func.count())
    query = query.where(table.c.state == AttemptState.RUNNING, table.c.sweep == sweep)
    reserved, running = connection.execute(query).one()
    return Account(spent=spent, reserved=reserved, running=running)
