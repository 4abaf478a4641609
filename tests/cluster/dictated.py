"""A scheduler on a real store and files, with an executor whose events the test dictates."""

from pathlib import Path

import numpy as np

from cluster.executor import Node, Task
from cluster.scheduling.scheduler import Scheduler
from jobs.budget import Budget
from jobs.events import Event, Finished, Shard
from jobs.files import FileStore
from jobs.machine.environment import machine
from jobs.paths import Home
from jobs.scores import write_table
from jobs.spec import Order
from jobs.state import JobState
from jobs.store import JobRecord, Store, SweepRecord


class Dictated:
    """Runs nothing: keeps what it was given, and tells what the test says."""

    def __init__(self, *slots: int, cluster: str = "made up") -> None:
        """Begin with nodes of so many slots each: "n", or several that count from "n0"."""
        names = [f"n{number}" for number in range(len(slots))] if len(slots) > 1 else ["n"]
        pairs = zip(names, slots, strict=True)
        self.alive = [Node(name=name, host="h", slots=count, machine=machine()) for name, count in pairs]
        self.cluster = cluster
        self.tasks: dict[str, Task] = {}
        self.events: list[tuple[str, Event]] = []
        self.cancelled: list[str] = []

    def nodes(self) -> list[Node]:
        return self.alive

    def start(self, task: Task) -> None:
        self.tasks[task.id] = task

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        events, self.events = self.events, []
        return events

    def cancel(self, task_id: str) -> None:
        self.cancelled.append(task_id)

    def close(self) -> None:
        pass

    def tell(self, *events: Event, task: str | None = None) -> None:
        """Let the task started last tell something."""
        self.events += [(task or list(self.tasks)[-1], event) for event in events]

    def started(self) -> list[str]:
        """Labels of the jobs of all tasks so far."""
        return [task.order.label for task in self.tasks.values()]

    def end(self, label: str, event: Event) -> None:
        """Let the last task of a job end."""
        self.tell(event, task=[name for name, task in self.tasks.items() if task.order.label == label][-1])


class World:
    """A store with one sweep, and a scheduler on two slots."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.now = 1000.0
        self.ahead = 0.0
        """How far somebody has set the clock."""
        self.store = Store.open(self.home.database_url, self.clock, lambda: self.now)
        self.budget(Budget(dollars_per_gpu_hour=3.6))
        self.files = FileStore(self.home.files)
        self.executor = Dictated(2)
        self.scheduler = self.new_scheduler()

    def new_scheduler(self, executor: Dictated | None = None) -> Scheduler:
        return Scheduler(
            self.store,
            self.files,
            executor or self.executor,
            self.home,
            clock=self.clock,
            ticks=lambda: self.now,
        )

    def clock(self) -> float:
        return self.now + self.ahead

    def budget(self, budget: Budget) -> None:
        self.store.put_sweep("tiny", {}, budget)

    def put(self, order: Order) -> str:
        return self.store.put_job(order).key

    def job(self, key: str) -> JobRecord:
        job = self.store.job(key)
        assert job is not None
        return job

    def sweep(self) -> SweepRecord:
        sweep = self.store.sweep("tiny")
        assert sweep is not None
        return sweep

    def open(self) -> set[str]:
        """Tasks of the attempts that run."""
        running = [job for job in self.store.jobs() if job.state == JobState.RUNNING]
        return {f"{job.key}/{job.attempt}/0" for job in running}

    def step(self, *events: Event) -> None:
        if events:
            self.executor.tell(*events)
        self.scheduler.step(0.0)


TRAINED = Finished(outputs={"steps": 1, "weights": None}, files={"weights": b"w"}, peak_bytes=7)


def shard(index: int) -> Shard:
    return Shard(index=index, content=write_table([index], np.array([1.0]), np.array([2]), np.array([3])))
