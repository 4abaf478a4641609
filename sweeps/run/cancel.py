"""Cancelling a sweep, a trial or a job: the store first, then whoever runs it ends its processes and says so."""

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from golf.errors import InputError, shown_name
from jobs.state import JobState, SweepState
from jobs.store import Store

PATIENCE_SECONDS = 60.0
"""A scheduler looks every second; ending a gang takes some more, and Ray a little longer."""
LOOK_SECONDS = 0.2
OPEN = (JobState.QUEUED, JobState.RUNNING)
FINISHED = (SweepState.DONE, SweepState.FAILED, SweepState.CANCELLED)
"""States of a sweep in which there is nothing to cancel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelTarget:
    """Jobs that a user means."""

    keys: Sequence[str]
    """Those to cancel as far as they are open."""
    shared: Collection[str] = ()
    """Those that go on, because another entry or trial of the sweep needs them as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancellation:
    """What a cancellation did to each of the jobs that were meant."""

    name: str
    """What was cancelled, for people."""
    before: Mapping[str, JobState] = field(default_factory=dict)
    """Cancelled jobs: key → whether it was running or waiting."""
    continuing: Mapping[str, str] = field(default_factory=dict)
    """Open jobs that go on: key → who needs them."""
    finished: Mapping[str, str] = field(default_factory=dict)
    """What had finished earlier: key of a job, or name of the sweep → its state."""
    without_jobs: str = "cancelled, no job had to end"
    """What happened if no job was cancelled and none had finished."""
    ending: Sequence[str] = ()
    """Jobs whose scheduler has not ended their processes yet."""

    def of(self, state: JobState) -> list[str]:
        """Keys of the cancelled jobs that were in a state."""
        return [key for key, before in self.before.items() if before == state]

    @property
    def message(self) -> str:
        """One line that says all of it."""
        running, waiting = len(self.of(JobState.RUNNING)), len(self.of(JobState.QUEUED))
        if self.before:
            parts = [f"cancelled {_jobs(running)} that ran and {_jobs(waiting)} that waited"]
        elif self.finished and not self.continuing:
            parts = [f"already {_states(self.finished)}: nothing to cancel"]
        else:
            parts = [self.without_jobs]
        if self.ending:
            unended = f"the scheduler of {_short(self.ending)} has not ended its processes yet"
            parts.append(f"{unended}; golfsweep status shows when it has")
        elif running:
            parts.append("none of their processes is left")
        for reason in dict.fromkeys(self.continuing.values()):
            keys = [key for key in self.continuing if self.continuing[key] == reason]
            parts.append(f"{_short(keys)} {'goes' if len(keys) == 1 else 'go'} on: {reason}")
        return f"{self.name}: {'; '.join(parts)}"

    def to_json(self, sweep: str) -> dict[str, Any]:
        """The document of `cancel --json`."""
        return {
            "sweep": sweep, "cancelled": list(self.before), "running": self.of(JobState.RUNNING),
            "waiting": self.of(JobState.QUEUED), "finished": dict(self.finished),
            "continuing": [{"key": key, "reason": reason} for key, reason in self.continuing.items()],
            "ended": not self.ending, "message": self.message,
        }  # fmt: skip


def cancel(sweep: str, what: str | None, store: Store, sleep: Callable[[float], None] = time.sleep) -> Cancellation:
    """Cancel, and wait until nothing of it runs. What has finished stays as it is.

    Args:
        sweep: its name.
        what: a trial's number, "trial N", or the first digits of a job's key; None for all of it.
        store: where it is.
        sleep: waits between two looks.

    Raises:
        InputError: the sweep has no such trial or job.
    """
    name = f"sweep {sweep}" if what is None else f"{sweep}: {what}"
    jobs = {job.key: job.state for job in store.jobs(sweep=sweep)}
    if what is None:
        return _cancel_sweep(sweep, name, jobs, store, sleep)
    target = _find(sweep, what, list(jobs), store)
    # A driver may have requested more since `jobs` was read.
    before = store.cancel_jobs(sweep, [key for key in target.keys if jobs.get(key, JobState.QUEUED) in OPEN])
    after = {job.key: job.state for job in store.jobs(sweep=sweep)}
    others = "another sweep needs it"
    meant = [key for key in (*target.keys, *target.shared) if key in after]
    continuing = {key: others for key in target.keys if after.get(key) in OPEN}
    continuing |= {k: "another entry or trial of the sweep needs it" for k in target.shared if after.get(k) in OPEN}
    finished = {key: str(after[key]) for key in meant if key not in before and after[key] not in OPEN}
    ending = _wait([*before, *(key for key in finished if finished[key] == JobState.CANCELLED)], store, sleep)
    why = "none of its own jobs is open" if continuing else "it has no job of its own yet"
    return Cancellation(
        name=name, before=before, continuing=continuing, finished=finished, ending=ending,
        without_jobs=f"nothing to cancel: {why}",
    )  # fmt: skip


def _cancel_sweep(
    sweep: str, name: str, jobs: Mapping[str, JobState], store: Store, sleep: Callable[[float], None]
) -> Cancellation:
    record = store.sweep(sweep)
    if (record is None or record.state in FINISHED) and store.cancel_submission(sweep):
        return Cancellation(name=name, without_jobs="taken out of the queue")
    if record is not None and record.state in FINISHED:
        cancelled = [key for key, state in jobs.items() if state == JobState.CANCELLED]
        return Cancellation(name=name, finished={sweep: str(record.state)}, ending=_wait(cancelled, store, sleep))
    before = store.cancel_sweep(sweep)
    after = {job.key: job.state for job in store.jobs(sweep=sweep)}
    continuing = {key: "another sweep needs it" for key, state in after.items() if state in OPEN}
    return Cancellation(name=name, before=before, continuing=continuing, ending=_wait(list(before), store, sleep))


def _wait(keys: Sequence[str], store: Store, sleep: Callable[[float], None]) -> list[str]:
    """Wait until the processes of cancelled jobs have ended; those whose have not, if it takes too long."""
    ending = store.still_ending(keys)
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if not ending:
            break
        sleep(LOOK_SECONDS)
        ending = store.still_ending(keys)
    return ending


def _find(sweep: str, what: str, keys: Sequence[str], store: Store) -> CancelTarget:
    """The jobs of a trial, or the one whose key begins so."""
    if number := re.fullmatch(r"(?:trial[ _-])?(\d{1,6})", what, re.IGNORECASE):
        needed = store.keys_of_trial(sweep, int(number[1]))
        if needed is not None:
            return CancelTarget(keys=needed.own, shared=needed.shared)
    matching = [key for key in keys if len(what) >= 4 and key.startswith(what)]
    if len(matching) > 1:
        raise InputError(f"{shown_name(what)}: {len(matching)} jobs of sweep {sweep} begin with it; give more digits")
    if not matching:
        raise InputError(
            f'sweep "{shown_name(sweep)}" has no trial or job "{shown_name(what)}"; golfsweep show {sweep} lists them'
        )
    return CancelTarget(keys=matching)


def _jobs(number: int) -> str:
    return f"{number} job" if number == 1 else f"{number} jobs"


def _states(finished: Mapping[str, str]) -> str:
    """The state of all, or how many are in which."""
    counts = Counter(finished.values())
    if len(counts) == 1:
        return next(iter(counts))
    return "finished (" + ", ".join(f"{count} {state}" for state, count in counts.items()) + ")"


def _short(keys: Sequence[str]) -> str:
    return ", ".join(key[:12] for key in keys)
