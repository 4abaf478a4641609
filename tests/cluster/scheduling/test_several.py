"""Several schedulers on one store, as real processes: no job is run twice, whichever database it is."""

import multiprocessing
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cluster.executor import Node, Task
from cluster.scheduling.scheduler import Scheduler
from jobs.events import Event, Finished
from jobs.files import FileStore
from jobs.paths import Home
from jobs.spec import Job, Machine, Order
from jobs.stages.quantize import QUANTIZE
from jobs.state import AttemptState, JobState
from jobs.store import Store
from tests.jobs.stores import Clock, empty_database

JOBS, PROCESSES = 60, 2
MACHINE = Machine(device="made up", dtype="float32", torch="0", attention="none", processes=1, threads=1)


class Instant:
    """A cluster of four slots whose jobs are done at once; every start is a line of a file."""

    def __init__(self, name: str, log: Path) -> None:
        self.cluster, self._log = name, log
        self._done: list[str] = []

    def nodes(self) -> list[Node]:
        return [Node(name=self.cluster, host="h", slots=4, machine=MACHINE)]

    def start(self, task: Task) -> None:
        with self._log.open("a") as log:  # one write of one line: appended whole
            log.write(f"{task.order.job.key}\n")
        self._done.append(task.id)

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        done, self._done = self._done, []
        return [(task, Finished(outputs={"artifact": task})) for task in done]

    def cancel(self, task_id: str) -> None:
        raise AssertionError("nothing is cancelled here")

    def close(self) -> None:
        pass


def order(seed: int) -> Order:
    settings: dict[str, Any] = {"quantize": {}}
    job = Job(
        stage=QUANTIZE.name, settings=settings, inputs={}, seed=seed, machine=MACHINE, arithmetic=QUANTIZE.version
    )
    return Order(job=job, sweep="s", label=f"seed {seed}")


def schedule(url: str, name: str, folder: Path, errors: Any) -> None:
    """Schedule until nothing is left. No time passes, so nobody is taken for dead however slow the machine is."""
    try:
        clock = Clock()
        store, files = Store.open(url, clock), FileStore(folder / "files")
        scheduler = Scheduler(store, files, Instant(name, folder / "log"), Home(folder), clock=clock)
        while store.jobs(states=[JobState.QUEUED, JobState.RUNNING]):
            scheduler.step(0.0)
        scheduler.stop()
    except BaseException as error:
        errors.put(f"{type(error).__name__}: {error}")
        raise


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return empty_database(request.getfixturevalue("postgresql"))


def test_schedulers_of_several_clusters_share_one_store_and_run_nothing_twice(url: str, tmp_path: Path) -> None:
    store = Store.open(url)
    store.put_sweep("s", {})
    keys = {store.put_job(order(seed)).key for seed in range(JOBS)}
    context = multiprocessing.get_context("spawn")
    errors = context.Queue()
    processes = [
        context.Process(target=schedule, args=(url, f"cluster {number}", tmp_path, errors))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert errors.empty(), errors.get()
    assert [process.exitcode for process in processes] == [os.EX_OK] * PROCESSES
    assert Counter((tmp_path / "log").read_text().split()) == Counter(keys)
    for key in keys:
        [attempt] = store.attempts(key)
        assert attempt.state == AttemptState.DONE
    store.close()
