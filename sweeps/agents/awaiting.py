"""Waiting for the end of a sweep, whoever runs it, for a limited time; not a second longer if nobody is to run it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError, shown_name
from jobs.errors import StoreUnavailable
from jobs.state import EventKind, SweepState
from jobs.workplace import Workplace
from sweeps.agents.detached import RunTicket, last_ticket
from sweeps.views.brief.fitting import fit
from sweeps.views.brief.sweeps import brief_state
from sweeps.views.status import state_of
from sweeps.views.submissions import QUEUED, listed_sweep, listed_sweeps

LOOK_SECONDS = 0.5
LOG_LINES = 5
FIRST_EVENTS = 50
"""Among so many events of a sweep is the one that makes it run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepEnd:
    """How a sweep stands at the end of the wait."""

    is_over: bool
    """Whether nothing more will happen by itself: it has ended, or nobody runs it."""
    is_done: bool
    document: dict[str, Any]


def wait_for_sweep(
    name: str,
    place: Workplace,
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    ticks: Callable[[], float] = time.monotonic,
) -> SweepEnd:
    """Wait until a sweep has ended, nobody runs it any more, or the time is up.

    Args:
        name: of the sweep.
        place: the home; a run that was started in its background counts before it has reached the database.
        seconds: to wait at most; 0 looks once.
        sleep, ticks: the clock.

    Raises:
        InputError: there is no such sweep, and nobody starts one.
        StoreUnavailable: the database did not answer until the time was up.
    """
    began = ticks()
    while True:
        waited = ticks() - began
        try:
            if (end := _look(name, place, waited)).is_over or waited >= seconds:
                return end
        except StoreUnavailable:
            if waited >= seconds:
                raise
        sleep(min(LOOK_SECONDS, max(0.0, seconds - waited)))


def _look(name: str, place: Workplace, waited: float) -> SweepEnd:
    ticket = last_ticket(name, place.home)
    lives = ticket is not None and ticket.is_alive()  # before the database: it writes there what it did, then ends
    is_driven = place.store.driver_of(name) is not None
    record = listed_sweep(name, place.store)
    if record is None or (ticket is not None and not is_driven and not _has_begun(ticket, place)):
        return _describe_start(name, place, ticket, lives, waited)
    state = state_of(record, place.store)
    waits_in_queue = state["state"] == QUEUED
    is_over = not waits_in_queue and (record.state != SweepState.RUNNING or not (is_driven or lives))
    if record.state == SweepState.RUNNING and not (is_over or waits_in_queue):
        # Its driver is about to take its lease, or to give it back.
        state |= {"state": str(record.state), "reason": record.reason}
    is_done = is_over and record.state == SweepState.DONE
    document = brief_state(
        state, over=is_over, waited_seconds=round(waited, 1), log=None if ticket is None else ticket.log,
        log_end=[] if ticket is None or is_done else ticket.tail(LOG_LINES),
    )  # fmt: skip
    return SweepEnd(is_over=is_over, is_done=is_done, document=document)


def _has_begun(ticket: RunTicket, place: Workplace) -> bool:
    """Whether the sweep was made to run since the process was started; else its state is that of an earlier run."""
    events = place.store.events(after=ticket.event, sweep=ticket.sweep, limit=FIRST_EVENTS)
    return any(event.kind == EventKind.SWEEP_PUT for event in events)


def _describe_start(name: str, place: Workplace, ticket: RunTicket | None, lives: bool, waited: float) -> SweepEnd:
    """A sweep of which the database knows nothing new."""
    if ticket is None:
        known = ", ".join(sweep.name for sweep in listed_sweeps(place.store)) or "none yet"
        raise InputError(f'no sweep "{shown_name(name)}" in {place.server or place.home.root}; there are: {known}')
    document = {
        "name": name,
        "state": "starting" if lives else "failed",
        "reason": None if lives else f"process {ticket.pid} ended before the sweep began",
        "over": not lives,
        "waited_seconds": round(waited, 1),
        "log": ticket.log,
        "log_end": ticket.tail(LOG_LINES),
    }
    return SweepEnd(is_over=not lives, is_done=False, document=fit(document, ["log_end"]))
