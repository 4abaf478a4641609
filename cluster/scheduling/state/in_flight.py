"""Jobs in flight: what one scheduler has claimed and not yet settled, and the sweeps that wait for budget."""

from collections.abc import Callable

from cluster.executor import Executor
from cluster.scheduling.state.placing import Placing
from cluster.scheduling.state.running import Running
from jobs.store import JobRecord


class InFlight:
    """Jobs of one scheduler in memory; ends their tasks, but writes nothing to the store."""

    def __init__(self, executor: Executor, ticks: Callable[[], float]) -> None:
        self._executor, self._ticks = executor, ticks
        self.waiting: dict[str, JobRecord] = {}
        """Claimed jobs by key, in the order in which they were claimed."""
        self.running: dict[str, Running] = {}
        self.refused: dict[str, str] = {}
        """Sweeps that cannot pay for their next job until a running one is settled, and why."""
        self._left_alone: dict[str, float] = {}
        """Sweeps for which no node of this cluster is ready, and until when others may try; by `ticks`."""
        self.placing = Placing()

    def leave_alone(self, sweep: str, seconds: float) -> None:
        """Leave a sweep's jobs to other schedulers for a while: no node here has what they need."""
        self._left_alone[sweep] = self._ticks() + seconds

    def not_claimed(self) -> list[str]:
        """Sweeps whose jobs are not claimed now."""
        now = self._ticks()
        return [*self.refused, *(sweep for sweep, until in self._left_alone.items() if now < until)]

    def begin(self, running: Running) -> None:
        """Move a job from the waiting to the running ones."""
        self.waiting.pop(running.key, None)
        self.running[running.key] = running

    def expect(self, running: Running, seconds: float) -> None:
        """Expect a running job to take this long in all."""
        running.expected = seconds
        self.placing.expect(running.key, seconds)

    def forget(self, running: Running, *, processes_live: bool) -> None:
        """Remove a job that has ended; its workers stay warm if their processes live on."""
        running.open_tasks.clear()
        if self.running.pop(running.key, None) is not None:
            self.placing.ended(running.key, self._ticks(), processes_live=processes_live)
        self.refused.pop(running.sweep, None)

    def drop(self, running: Running) -> None:
        """End all tasks of a job, and remove it."""
        self.end_tasks(running)
        self.forget(running, processes_live=False)

    def end_tasks(self, running: Running) -> None:
        """End all tasks of a job with their processes; no event of theirs counts any more."""
        for task_id in running.open_tasks:
            self._executor.cancel(task_id)
