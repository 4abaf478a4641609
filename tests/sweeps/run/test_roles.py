"""Who schedules: one process a cluster, the others stand by and take over."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.executor import Node, Task
from golf.errors import InputError
from jobs.errors import Unavailable
from jobs.events import Event, Finished
from jobs.files import FileStore
from jobs.paths import Home
from jobs.stages.quantize import QUANTIZE
from jobs.state import JobState
from jobs.store import STALE_SECONDS, Store, StoreUnavailable
from sweeps.run.roles import Scheduling, machine_of, runtime_of
from tests.jobs.stores import MACHINE, Clock, order

CLUSTER = "ray x"


class Idle:
    """Eight slots on which nothing happens."""

    cluster = CLUSTER

    def __init__(self) -> None:
        self.started: list[str] = []
        self.closed = False

    def nodes(self) -> list[Node]:
        return [Node(name="n", host="h", slots=8, machine=MACHINE)]

    def start(self, task: Task) -> None:
        self.started.append(task.id)

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        return []

    def cancel(self, task_id: str) -> None:
        self.started.remove(task_id)

    def close(self) -> None:
        self.closed = True


class Prompt(Idle):
    """Two nodes; the job that was started last is done at every look."""

    def nodes(self) -> list[Node]:
        return [replace(node, name=name) for node in super().nodes() for name in "ab"]

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        return [(self.started.pop(), Finished(outputs={}))] if self.started else []


class Gone(Prompt):
    """A cluster that is lost once it has run so many jobs."""

    def __init__(self, jobs: int) -> None:
        super().__init__()
        self.left = jobs

    def nodes(self) -> list[Node]:
        if self.left <= 0:
            raise Unavailable("--ray h:1 is lost: its GCS is gone")
        return super().nodes()

    def start(self, task: Task) -> None:
        super().start(task)
        self.left -= 1

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_by(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Scheduling]]:
    """Makes processes' parts, each with an executor of its own; none waits between two tries."""
    monkeypatch.setattr("sweeps.run.roles.TRY_SECONDS", 0.0)
    monkeypatch.setattr("cluster.scheduling.heartbeat.BEAT_SECONDS", 3600.0)  # nobody beats but in a step
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(
            Scheduling(store, FileStore(tmp_path / "files"), Home(tmp_path), CLUSTER, Idle)
        )
    assert store.live_schedulers() == []
    store.close()


def test_the_first_schedules_and_the_second_stands_by_until_it_leaves(stand_by: Callable[[], Scheduling]) -> None:
    first, second = stand_by(), stand_by()
    first.step(0.0)
    second.step(0.0)
    assert (first.schedules, second.schedules) == (True, False)
    assert first.slots(MACHINE) == second.slots(MACHINE) == (8, 8)
    first.__exit__(None, None, None)
    second.step(0.0)
    assert second.schedules


def test_who_was_silent_for_too_long_gives_up_what_another_took_over(
    stand_by: Callable[[], Scheduling], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = stand_by(), stand_by()
    first.step(0.0)
    clock.now += STALE_SECONDS + 1
    second.step(0.0)
    assert second.schedules
    monkeypatch.setattr("cluster.scheduling.scheduler.BEAT_SECONDS", 0.0)
    first.step(0.0)
    assert not first.schedules
    assert first.slots(MACHINE) == (8, 8)


def test_who_is_too_late_starts_no_cluster_of_its_own(
    stand_by: Callable[[], Scheduling], tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stand_by()
    first.step(0.0)
    store, opened = first._store, []
    with (
        monkeypatch.context() as patch,
        Scheduling(store, first._files, first._home, CLUSTER, lambda: opened.append(1) or Idle()) as late,
    ):
        patch.setattr(store, "live_schedulers", list)  # it looked a moment before the other one was there
        late.step(0.0)
        assert not late.schedules
    assert opened == []


def test_a_take_over_that_the_database_interrupts_is_tried_again_at_once(
    stand_by: Callable[[], Scheduling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.run.roles.TRY_SECONDS", 3600.0)  # else a step between two tries ended the outage
    role = stand_by()

    def away(*_: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(role._store, "recently_done", away)
        with pytest.raises(StoreUnavailable):
            role.step(0.0)
    role.step(0.0)
    assert role.schedules


def test_a_heartbeat_that_fails_is_tried_by_the_work_which_hears_why(stand_by: Callable[[], Scheduling]) -> None:
    role = stand_by()
    role.step(0.0)
    assert role._scheduler is not None and role._heartbeat is not None
    role._heartbeat.failure = StoreUnavailable("no answer")
    before = role._scheduler._beaten
    role.step(0.0)
    assert role._scheduler._beaten > before


def test_in_an_outage_what_runs_is_read_and_the_work_counts_as_alive(stand_by: Callable[[], Scheduling]) -> None:
    role = stand_by()
    role.step(0.0)
    assert role._scheduler is not None and role._heartbeat is not None and role._executor is not None
    read: list[float] = []
    poll = role._executor.poll
    role._executor.poll = lambda timeout: read.append(timeout) or poll(timeout)  # type: ignore[method-assign,func-returns-value]
    role._heartbeat._alive = 0.0
    role.wait(0.01)
    assert read and role._heartbeat._alive > 0.0


def test_an_outage_is_no_reason_to_wait_for_ever_for_jobs_of_other_sweeps(
    stand_by: Callable[[], Scheduling], monkeypatch: pytest.MonkeyPatch
) -> None:
    role, said = stand_by(), list[str]()
    role.step(0.0)
    monkeypatch.setattr("cluster.scheduling.scheduler.Scheduler.running", 1)
    monkeypatch.setattr("sweeps.run.patience.AWAY_SECONDS", -1.0)

    def away(_: float) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailable):
        patch.setattr(role._scheduler, "step", away)
        role.finish(said.append)
    assert [line.partition(";")[0] for line in said[1:]] == ["no answer"]


def test_who_has_finished_keeps_the_cluster_busy_as_long_as_others_jobs_run(tmp_path: Path, clock: Clock) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    store.put_sweep("theirs", {})
    for seed in range(3):
        wide = order(seed, sweep="theirs", slots=8)
        store.put_job(replace(wide, job=replace(wide.job, stage=QUANTIZE.name, arithmetic=QUANTIZE.version)))
    said: list[str] = []
    with Scheduling(store, FileStore(tmp_path / "files"), Home(tmp_path), CLUSTER, Prompt) as role:
        role.finish(said.append)
        assert said == [], "it does not schedule"
        role.step(0.0)
        role.finish(said.append)
        assert {job.state for job in store.jobs()} == {JobState.DONE}
    assert len(said) == 1 and "Still scheduling 1 job of other sweeps" in said[0]
    store.close()


def test_a_cluster_that_is_lost_leaves_no_scheduler_and_no_claim(tmp_path: Path, clock: Clock) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    store.put_sweep("s", {})
    for jobs in (0, 1):  # lost before this process has become its scheduler, and afterwards
        wide = order(jobs, slots=8)
        key = store.put_job(replace(wide, job=replace(wide.job, stage=QUANTIZE.name, arithmetic=QUANTIZE.version))).key
        gone = Gone(jobs)
        with (
            pytest.raises(Unavailable, match="its GCS is gone"),
            Scheduling(store, FileStore(tmp_path / "files"), Home(tmp_path), CLUSTER, lambda gone=gone: gone) as role,
        ):
            role.step(0.0)
            role.step(0.0)
        assert gone.closed and store.live_schedulers() == []
        job = store.job(key)
        assert job is not None and (job.state, job.claimed_by) == (JobState.QUEUED, None)
    store.close()


def test_who_has_finished_and_loses_the_cluster_says_so_and_is_done(tmp_path: Path, clock: Clock) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    store.put_sweep("theirs", {})
    wide = order(0, sweep="theirs", slots=8)
    store.put_job(replace(wide, job=replace(wide.job, stage=QUANTIZE.name, arithmetic=QUANTIZE.version)))
    said: list[str] = []
    with Scheduling(store, FileStore(tmp_path / "files"), Home(tmp_path), CLUSTER, lambda: Gone(1)) as role:
        role.step(0.0)
        role.finish(said.append)
    assert len(said) == 2
    assert said[1].startswith("--ray h:1 is lost: its GCS is gone; jobs of other sweeps ended with it")
    store.close()


def test_a_sweep_keeps_the_machine_class_of_its_first_day_while_there_are_such_nodes() -> None:
    h100, h200 = replace(MACHINE, device="h100"), replace(MACHINE, device="h200")
    nodes = [
        Node(name="a", host="a", slots=8, machine=h100),
        Node(name="b", host="b", slots=8, machine=h200),
        Node(name="c", host="c", slots=8, machine=h200),
    ]
    assert machine_of(nodes, None) == h200
    assert machine_of(nodes, h100) == h100
    assert machine_of(nodes[1:], h100) == h200
    with pytest.raises(InputError, match="no node"):
        machine_of([], None)


def test_a_scripts_numbers_belong_to_the_interpreter_of_its_first_run_then_of_most_slots() -> None:
    nodes = [Node(name=name, host=f"host {name}", slots=slots, machine=MACHINE) for name, slots in (("a", 2), ("b", 1))]
    answers = {"a": {"torch": "2.8"}, "b": {"torch": "2.9"}}
    assert runtime_of(nodes, answers, None) == {"torch": "2.8"}
    assert runtime_of(nodes, answers, {}) == {"torch": "2.8"}
    assert runtime_of(nodes, answers, {"torch": "2.9"}) == {"torch": "2.9"}
    assert runtime_of(nodes, answers, {"torch": "2.7"}) == {"torch": "2.8"}
    assert runtime_of(nodes, {"a": "no", "b": {"torch": "2.9"}}, None) == {"torch": "2.9"}
    with pytest.raises(InputError, match="no node runs the script's interpreter; host a: no such file"):
        runtime_of(nodes, {"a": "no such file"}, None)
