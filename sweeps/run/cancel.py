"""Cancelling a sweep, a trial or a job: the store first, then whoever runs it ends its processes and says so."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import Store

PATIENCE_SECONDS = 60.0
"""A scheduler looks every second; ending a gang takes some more, and Ray a little longer."""
LOOK_SECONDS = 0.2
OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelTarget:
    """Open jobs that a user means."""

    keys: Sequence[str]
    """Those to cancel."""
    spared: Sequence[str] = ()
    """Those that go on, because another entry or trial of the sweep needs them as well."""


def cancel(sweep: str, what: str | None, store: Store, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Cancel, and wait until nothing of it runs.

    Args:
        sweep: its name.
        what: a trial's number, "trial N", or the first digits of a job's key; None for all of it.
        store: where it is.
        sleep: waits between two looks.

    Returns:
        sweep, keys of the cancelled jobs, whether their processes have all ended, and a message.

    Raises:
        InputError: the sweep has no such trial or job.
    """
    target = CancelTarget(keys=[]) if what is None else _find(sweep, what, store)
    keys = store.cancel_sweep(sweep) if what is None else store.cancel_jobs(sweep, target.keys)
    left = store.still_ending(keys)
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if not left:
            break
        sleep(LOOK_SECONDS)
        left = store.still_ending(keys)
    name = f"sweep {sweep}" if what is None else f"{sweep}: {what}"
    if left:
        running = f"its scheduler has not ended {_short(left)} yet"
        message = f"{name}: cancelled, but {running}; golfsweep status shows when it has"
    else:
        message = f"{name}: cancelled; {len(keys)} jobs were open, none of their processes is left"
    if others := [key for key in target.keys if key not in keys]:
        message += f"; {_short(others)} not cancelled: another sweep needs it, or it had already finished"
    if target.spared:
        message += f"; {_short(target.spared)} goes on: another entry or trial of the sweep needs it, too"
    return {"sweep": sweep, "cancelled": keys, "ended": not left, "message": message}


def _find(sweep: str, what: str, store: Store) -> CancelTarget:
    """The open jobs of a trial, or the one whose key begins so."""
    is_open = {job.key: job.state in OPEN for job in store.jobs(sweep=sweep)}
    if number := re.fullmatch(r"(?:trial )?(\d{1,6})", what):
        needed = store.keys_of_trial(sweep, int(number[1]))
        if needed is not None:
            own, shared = ([key for key in keys if is_open.get(key)] for keys in (needed.own, needed.shared))
            return CancelTarget(keys=own, spared=shared)
    matching = [key for key in is_open if len(what) >= 4 and key.startswith(what)]
    if len(matching) > 1:
        raise InputError(f"{what}: {len(matching)} jobs of sweep {sweep} begin with it; give more digits")
    if not matching:
        raise InputError(f'sweep "{sweep}" has no trial or job "{what}"; golfsweep show {sweep} lists them')
    return CancelTarget(keys=[key for key in matching if is_open[key]])


def _short(keys: Sequence[str]) -> str:
    return ", ".join(key[:12] for key in keys)
