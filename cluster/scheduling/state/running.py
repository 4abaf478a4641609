"""A job on its slots, and what its tasks have reported so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.policy.policy import Placement
from cluster.scheduling.state.contents import Contents
from jobs.events import Failed, Failure, Finished
from jobs.stages.registry import stage_of
from jobs.stages.stage import ShardedStage
from jobs.store import JobRecord


@dataclass(slots=True)
class Running:
    """A running attempt: a single task, or for a job with shards a task for each worker."""

    record: JobRecord
    attempt: int
    placement: Placement
    started: float
    """By a clock that nobody sets, like all times here."""
    open_tasks: set[str] = field(default_factory=set)
    fractions: dict[str, float] = field(default_factory=dict)
    last_report: dict[str, float] = field(default_factory=dict)
    """When each task reported last."""
    begun: set[str] = field(default_factory=set)
    """Tasks that have reported at all."""
    shards: dict[int, str] = field(default_factory=dict)
    """Digests of finished shards."""
    finished: list[Finished] = field(default_factory=list)
    """Results of the tasks that have ended while others run."""
    log: str = ""
    """The last lines that it printed."""
    log_is_new: bool = False
    """Whether the store has yet to have them."""
    written: float = 0.0
    expected: float | None = None
    """Seconds that it takes at most; None while nobody knows."""

    @property
    def key(self) -> str:
        return self.record.key

    @property
    def sweep(self) -> str:
        """The sweep that pays."""
        return self.record.order.sweep

    @property
    def fraction(self) -> float:
        """How far all of it is."""
        return sum(self.fractions.values()) / max(1, len(self.fractions))

    def hours(self, now: float) -> float:
        """GPU-hours so far: its slots for as long as it holds them."""
        return len(self.placement.slots) * (now - self.started) / 3600

    def open(self, task_id: str, now: float) -> None:
        """A task is about to be started."""
        self.open_tasks.add(task_id)
        self.fractions[task_id] = 0.0
        self.last_report[task_id] = now

    def note_report(self, task_id: str, now: float) -> None:
        """A task has reported."""
        self.last_report[task_id] = now
        self.begun.add(task_id)

    def overdue(self, now: float, *, start: float, silence: float) -> Failed | None:
        """The failure of an attempt that has been silent for too long; None if it has not.

        Args:
            now: the time.
            start: seconds in which each of its tasks has to report for the first time.
            silence: seconds in which it then has to report again.
        """
        if self._silent(now, begun=True) > silence:
            return Failed(failure=Failure.HANG, reason=f"no message from its worker for {silence:.0f} s")
        if self._silent(now, begun=False) > start:
            return Failed(failure=Failure.UNFIT, reason=f"its worker did not start within {start:.0f} s")
        return None

    def _silent(self, now: float, *, begun: bool) -> float:
        """Seconds since the quietest of its tasks reported, of those that have begun or have not."""
        tasks = [task for task in self.open_tasks if (task in self.begun) == begun]
        return max((now - self.last_report[task] for task in tasks), default=0.0)


def outputs_of(running: Running, last: Finished, files: Contents) -> tuple[Mapping[str, Any], int | None]:
    """The outputs of a job whose last task has finished, and the peak memory of its tasks."""
    parts = [*running.finished, last]
    peak = max((part.peak_bytes for part in parts if part.peak_bytes), default=None)
    stage = stage_of(running.record.order.job)
    if isinstance(stage, ShardedStage):
        last = stage.merge([files.get(digest) for _, digest in sorted(running.shards.items())], parts)
    return {**last.outputs, **{name: files.put(content) for name, content in last.files.items()}}, peak
