"""Accounts of sweeps, within a transaction: hours are reserved when an attempt starts, and settled when it ends."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from jobs.budget import Account, Budget, reservation
from jobs.database import tables
from jobs.errors import LostClaim, OverBudget
from jobs.machine.host import identity
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


def elapsed(ticks: float) -> ColumnElement[float]:
    """How long a running attempt has run, in seconds.

    By the monotonic clock, which shows `ticks` now, where this is the machine of its scheduler; elsewhere as of its
    scheduler's last heartbeat.
    """
    table = tables.attempts
    return case((table.c.clock == identity(), ticks - table.c.begun), else_=table.c.seconds)


def reserve_hours(connection: Connection, sweep: str, slots: int, seconds: float | None, date: float) -> float:
    """GPU-hours to reserve for one more attempt; the attempts of one sweep pass here one at a time.

    `date`, in epoch seconds, is compared with the sweep's deadline.

    Raises:
        LostClaim: the sweep is not running any more.
        OverBudget: the sweep cannot pay for it, or its deadline is too near.
    """
    table = tables.sweeps
    query = select(table.c.budget, table.c.spent_hours, table.c.state).where(table.c.name == sweep).with_for_update()
    limits, spent, state = connection.execute(query).one()
    if state != SweepState.RUNNING:
        raise LostClaim(f"sweep {sweep} is {state}")
    hours = reservation(Budget(**limits or {}), _account(connection, sweep, spent), slots, seconds, date)
    if isinstance(hours, str):
        raise OverBudget(hours)
    return hours


def end_attempt(
    connection: Connection,
    key: str,
    number: int,
    state: AttemptState,
    now: float,
    seconds: float | ColumnElement[float],
    **facts: Any,
) -> EndedAttempt:
    """Write down how an attempt ended, and settle what it cost with the sweep that pays, at that sweep's price.

    Args:
        connection: within a transaction.
        key, number: the attempt.
        state: how it ended.
        now: epoch seconds, for people.
        seconds: how long it ran.
        facts: other columns of the attempt.
    """
    table, sweeps = tables.attempts, tables.sweeps
    this_row = (table.c.key == key) & (table.c.number == number)
    ended = table.update().where(this_row)
    ended = ended.values(state=state, ended=now, seconds=seconds, **facts)
    ended = ended.returning(table.c.sweep, table.c.slots, table.c.seconds, table.c.scheduler)
    row = connection.execute(ended).one()
    if row.sweep is not None:
        hours = row.slots * row.seconds / 3600
        payer = sweeps.update().where(sweeps.c.name == row.sweep)
        payer = payer.values(spent_hours=sweeps.c.spent_hours + hours).returning(sweeps.c.budget)
        limits = connection.execute(payer).scalar()
        connection.execute(table.update().where(this_row), {"cost": Budget(**limits or {}).cost(hours)})
    return EndedAttempt(sweep=row.sweep, scheduler=row.scheduler)


def lose_attempt(connection: Connection, key: str, number: int, now: float, reason: str) -> EndedAttempt:
    """End an attempt that no scheduler saw end: it is paid until its last heartbeat, since it ran until then."""
    table = tables.attempts
    query = select(table.c.heartbeat).where((table.c.key == key) & (table.c.number == number))
    ended = min(connection.execute(query).scalar_one(), now)
    return end_attempt(connection, key, number, AttemptState.LOST, ended, table.c.seconds, reason=reason)


def _account(connection: Connection, sweep: str, spent: float) -> Account:
    table = tables.attempts
    query = select(func.coalesce(func.sum(table.c.reserved_hours), 0.0), func.count())
    query = query.where(table.c.state == AttemptState.RUNNING, table.c.sweep == sweep)
    reserved, running = connection.execute(query).one()
    return Account(spent=spent, reserved=reserved, running=running)
