"""What one scheduler holds: claimed jobs that wait, those that run, and sweeps that have to wait for their money."""

from cluster.executor import Executor
from cluster.policy.fairness import Usage
from cluster.scheduling.placing import Taken
from cluster.scheduling.state.resting import Resting
from cluster.scheduling.state.running import Running
from cluster.scheduling.state.warm import Warm
from jobs.store import JobRecord


class Held:
    """Jobs of one scheduler; ends their tasks, and writes nothing down."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.waiting: dict[str, JobRecord] = {}
        """Claimed jobs by key, in the order in which they were claimed."""
        self.running: dict[str, Running] = {}
        self.refused: dict[str, str] = {}
        """Sweeps that cannot pay for their next job until what runs of them is settled, and why."""
        self.usage = Usage()
        self.warm = Warm()
        self.resting = Resting()

    def taken(self, now: float) -> Taken:
        """Slots of everything that runs, and of what is not ours, and when each is expected to fall free."""
        return self.resting.ends(now) | {
            (run.placement.node, slot): None if run.expected is None else run.started + run.expected
            for run in self.running.values()
            for slot in run.placement.slots
        }

    def begin(self, running: Running) -> None:
        """A job that waited runs now."""
        self.waiting.pop(running.key, None)
        self.running[running.key] = running
        self.warm.begin(running.record.order.job, running.placement)
        self.usage.hold(running.sweep, len(running.placement.slots))

    def forget(self, running: Running) -> None:
        """A job runs no more."""
        running.open_tasks.clear()
        if self.running.pop(running.key, None) is not None:
            self.usage.hold(running.sweep, -len(running.placement.slots))
        self.refused.pop(running.sweep, None)

    def drop(self, running: Running) -> None:
        """End all tasks of a job, and forget it."""
        self.end_tasks(running)
        self.forget(running)

    def end_tasks(self, running: Running) -> None:
        """End all tasks of a job, and their processes; they tell nothing more."""
        self.warm.end(running.placement)
        for task_id in running.open_tasks:
            self._executor.cancel(task_id)
