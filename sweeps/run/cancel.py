"""Cancelling a sweep, a trial or a job: the store first, then whoever runs it ends its processes and says so."""

import re
import time
from collections.abc import Callable
from typing import Any

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import Store

PATIENCE_SECONDS = 60.0
"""A scheduler looks every second; ending a gang takes some more, and Ray a little longer."""
LOOK_SECONDS = 0.2


def cancel(sweep: str, what: str | None, store: Store, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Cancel, and wait until nothing of it runs.

    Args:
        sweep: its name.
        what: a trial's number, "trial N", or the first digits of a job's key; None for all of it.
        store: where it is.
        sleep: waits between two looks.

    Returns:
        sweep, keys of the jobs that were open, whether their processes have all ended, and a message.

    Raises:
        InputError: the sweep has no such trial or job.
    """
    asked = [] if what is None else _keys(sweep, what, store)
    keys = store.cancel_sweep(sweep) if what is None else store.cancel_jobs(sweep, asked)
    left = store.still_ending(keys)
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if not left:
            break
        sleep(LOOK_SECONDS)
        left = store.still_ending(keys)
    name = f"sweep {sweep}" if what is None else f"{sweep}: {what}"
    if left:
        shown = ", ".join(key[:12] for key in left)
        message = f"{name}: cancelled, but its scheduler has not ended {shown} yet; golfsweep status shows when it has"
    else:
        message = f"{name}: cancelled; {len(keys)} jobs were open, none of their processes is left"
    if spared := [key[:12] for key in asked if key not in keys]:
        message += f"; {', '.join(spared)} goes on: another running sweep wants it, or it has just ended"
    return {"sweep": sweep, "cancelled": keys, "ended": not left, "message": message}


def _keys(sweep: str, what: str, store: Store) -> list[str]:
    """Open jobs of a trial, or the one whose key begins so."""
    jobs = store.jobs(sweep=sweep)
    number = re.fullmatch(r"(?:trial )?(\d{1,6})", what)
    found = [job for job in jobs if number and job.order.label.startswith(f"trial {number[1]} ")]
    if not found:
        found = [job for job in jobs if len(what) >= 4 and job.key.startswith(what)]
        if len(found) > 1:
            raise InputError(f"{what}: {len(found)} jobs of sweep {sweep} begin with it; give more digits")
    if not found:
        raise InputError(f'sweep "{sweep}" has no trial or job "{what}"; golfsweep show {sweep} lists them')
    return [job.key for job in found if job.state in (JobState.QUEUED, JobState.RUNNING)]
