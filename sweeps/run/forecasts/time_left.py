"""The time left of the sweep that this process drives, for its progress."""

from collections.abc import Iterable

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import JobRecord, Store
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.planning.plan import plan
from sweeps.planning.remaining import RemainingTime, slot_seconds
from sweeps.speed.nominal import with_core
from sweeps.speed.samples import read_speed
from sweeps.views.terminal.progress_facts import seconds_left


class TimeLeft:
    """Estimates the time left: by the sweep's plan, or where there can be none by the mean of its finished jobs."""

    def __init__(self, sweep: Sweep, store: Store, now: float) -> None:
        """Plan a sweep that begins `now` (epoch seconds); the plan is made when its slots are known."""
        self._sweep, self._store, self._now = sweep, store, now
        self._slots: tuple[int, int] | None = None
        self._remaining: RemainingTime | None = None

    def estimate(self, snapshot: Snapshot, slots: int, widest: int) -> float | None:
        """Seconds left on so many slots, of which the largest node has `widest`; None where nothing is known."""
        if snapshot.done:
            return 0.0
        if not slots:
            return None
        if self._slots != (slots, widest):
            self._slots, self._remaining = (slots, widest), self._plan(slots, widest)
        if self._remaining is not None:
            return self._remaining.after(snapshot)
        return seconds_left(snapshot, mean_slot_seconds(snapshot.jobs), slots)

    def _plan(self, slots: int, widest: int) -> RemainingTime | None:
        """What is left of the plan on these slots; None where it has too many jobs, or its durations are unknown."""
        speed = with_core(read_speed(), self._sweep.machine.device)
        nodes = max(1, slots // widest)
        try:
            made = plan(self._sweep, self._store, nodes=nodes, slots=widest, now=self._now, speed=speed)
            return RemainingTime.of(made)
        except InputError:
            return None


def mean_slot_seconds(jobs: Iterable[JobRecord]) -> dict[str, float]:
    """Mean slot-seconds of finished jobs by stage."""
    by_stage: dict[str, list[float]] = {}
    for job in jobs:
        if job.state == JobState.DONE and job.seconds is not None:
            by_stage.setdefault(job.order.job.stage, []).append(slot_seconds(job))
    return {stage: sum(seconds) / len(seconds) for stage, seconds in by_stage.items()}
