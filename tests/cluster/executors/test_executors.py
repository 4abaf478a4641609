"""One contract for every executor, with real processes: this machine's own, and Ray's."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import ray
import torch

from cluster.executor import Executor, Task
from cluster.executors.launcher import Gang
from cluster.executors.local import LocalExecutor
from cluster.executors.processes import MARK, Mark, marked
from cluster.ray.head import require_joinable
from cluster.ray.supervised import join_ray
from golf.artifact.packing import QuantizeConfig, pack
from golf.errors import InputError
from golf.model.gpt import GPT
from jobs.errors import Unavailable
from jobs.events import Event, Failed, Failure, Finished, Progress, Shard
from jobs.scores import merge_shards, share_shards
from jobs.stages.registry import stage_named
from jobs.stages.work.evaluate import shards_of
from jobs.stages.work.trainer import CHECKPOINT, Trainer
from tests import confined
from tests.cluster.orders import EVAL, MODEL, TRAIN, Orders

PATIENCE_SECONDS = 120.0
OURS = f"of {os.getpid()}"
"""Ends the ids of this process's tasks: gangs are found by them among all processes of the machine."""


@pytest.fixture(scope="module")
def artifact() -> bytes:
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(0))
    return pack(model.state_dict(), MODEL, QuantizeConfig(level=1))[0]


def task(executor: Executor, orders: Orders, workdir: Path, kind: str, content: bytes = b"") -> Task:
    """A task of one kind; an evaluation has all shards of four documents."""
    [node] = executor.nodes()
    order, inputs, slots, shards = {
        "train": (orders.train, {}, (0, 1), ()),
        "quantize": (lambda: orders.quantize("0" * 64), {"weights": content}, (0,), ()),
        "eval": (lambda: orders.evaluate("0" * 64, replace(EVAL, gpus=1)), {"artifact": content}, (0,), (0,)),
    }[kind]
    return Task(
        id=f"{kind} {OURS}", stage=stage_named(kind), order=order(), node=node.name, slots=slots, workdir=workdir,
        inputs=inputs, shards=shards,
    )  # fmt: skip


def finish(executor: Executor, *names: str) -> dict[str, list[Event]]:
    """Poll until the named tasks have ended; events by task."""
    by_task: dict[str, list[Event]] = {name: [] for name in names}
    until = time.monotonic() + PATIENCE_SECONDS
    while not all(events and isinstance(events[-1], Finished | Failed) for events in by_task.values()):
        assert time.monotonic() < until, by_task
        for name, event in executor.poll(1.0):
            by_task[name].append(event)
    return by_task


def run(executor: Executor, given: Task) -> list[Event]:
    """Start a task and wait for its end."""
    executor.start(given)
    return finish(executor, given.id)[given.id]


def test_torch_computes_on_one_thread_in_tests_whatever_has_imported_it_first() -> None:
    assert torch.get_num_threads() == 1


def test_it_names_its_nodes_and_their_machine_class(executor: Executor) -> None:
    [node] = executor.nodes()
    assert node.slots == 2
    assert node.machine.threads == 1


def test_two_workers_share_the_documents_of_one_evaluation(
    executor: Executor, orders: Orders, artifact: bytes, tmp_path: Path
) -> None:
    fine = orders.evaluate("0" * 64, replace(EVAL, chunk=16), documents=8)  # small chunks: enough work for two shards
    total = shards_of(fine, artifact)
    assert total >= 2
    parts = share_shards(range(total), 2)
    for slot, part in enumerate(parts):
        made = task(executor, orders, tmp_path, "eval", artifact)
        executor.start(replace(made, id=f"{slot} {OURS}", order=fine, slots=(slot,), shards=tuple(part)))
    by_task = finish(executor, f"0 {OURS}", f"1 {OURS}")
    for name, events in by_task.items():
        assert sum(isinstance(event, Finished) for event in events) == 1
        shards = [event.index for event in events if isinstance(event, Shard)]
        assert shards == parts[int(name.split()[0])]
    contents = [event.content for events in by_task.values() for event in events if isinstance(event, Shard)]
    assert merge_shards(contents)[1]["documents"] == 8


def test_what_is_wrong_with_a_job_comes_back_as_bad_configuration(
    executor: Executor, orders: Orders, tmp_path: Path
) -> None:
    last = run(executor, task(executor, orders, tmp_path, "eval", b"no artifact"))[-1]
    assert isinstance(last, Failed)
    assert last.failure == Failure.BAD_CONFIGURATION
    assert "artifact" in last.reason


def test_a_gang_trains_and_its_weights_become_an_artifact(executor: Executor, orders: Orders, tmp_path: Path) -> None:
    trained = run(executor, task(executor, orders, tmp_path / "it's a gang", "train"))[-1]
    assert isinstance(trained, Finished), trained
    assert trained.outputs["steps"] == TRAIN.steps
    assert b"golf." in trained.files["log"]
    packed = run(executor, task(executor, orders, tmp_path, "quantize", trained.files["weights"]))[-1]
    assert isinstance(packed, Finished)
    assert packed.outputs["ledger"]["model_bytes"] == len(packed.files["artifact"])


def test_a_worker_stays_warm_until_its_slot_turns_to_a_gang(
    executor: Executor, orders: Orders, artifact: bytes, tmp_path: Path
) -> None:
    assert isinstance(run(executor, task(executor, orders, tmp_path, "eval", artifact))[-1], Finished)
    warm = workers()
    assert len(warm) == 1
    assert isinstance(run(executor, task(executor, orders, tmp_path, "eval", artifact))[-1], Finished)
    assert workers() == warm
    gang = endless_gang(executor, orders, tmp_path / "gang")
    executor.start(gang)
    wait_for(lambda: not workers() & warm)
    executor.cancel(gang.id)


def test_what_a_killed_attempt_left_is_removed_by_the_next_one(orders: Orders, tmp_path: Path) -> None:
    for folder, name in (("1", CHECKPOINT), ("1", "log.txt"), ("elsewhere", CHECKPOINT)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(b"x")
    mark = Mark(node="n", slots=(0,), task="t")
    Gang(Trainer(orders.train()), tmp_path / "2", slots=1, inputs={}, mark=mark, silence_seconds=1.0)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"1/log.txt", f"elsewhere/{CHECKPOINT}", "2/order.json"}


def test_cancelling_a_gang_leaves_none_of_its_processes(executor: Executor, orders: Orders, tmp_path: Path) -> None:
    made = endless_gang(executor, orders, tmp_path)
    executor.start(made)
    wait_for(lambda: (tmp_path / "metrics.jsonl").exists())
    assert len(processes("jobs.stages.rank")) >= 2
    executor.cancel(made.id)
    wait_for(lambda: not marked(lambda mark: mark.task == made.id))
    assert executor.poll(0.2) == []


def test_a_rank_that_is_killed_ends_the_gang_as_lost_and_leaves_no_process(
    executor: Executor, orders: Orders, tmp_path: Path
) -> None:
    made = endless_gang(executor, orders, tmp_path)
    executor.start(made)
    wait_for(lambda: (tmp_path / "metrics.jsonl").exists())
    os.kill(processes("jobs.stages.rank")[-1], signal.SIGKILL)
    *before, last = finish(executor, made.id)[made.id]
    assert isinstance(last, Failed)
    assert (last.failure, last.reason) == (Failure.LOST, "a rank was ended from outside (signal 9)"), last.log
    logs = [event.log for event in before if isinstance(event, Progress) and event.log is not None]
    assert any("golf." in log for log in logs), "what it prints leaves its node before the end"
    assert len(logs) < len(before) / 2, "and only when there is more"
    assert marked(lambda mark: mark.task == made.id) == []


def test_a_gang_that_makes_no_step_is_a_hang_whose_log_says_where_it_stands(
    executor: Executor, orders: Orders, tmp_path: Path
) -> None:
    made = replace(endless_gang(executor, orders, tmp_path), silence_seconds=5.0)
    executor.start(made)
    wait_for(lambda: (tmp_path / "metrics.jsonl").exists())
    os.kill(processes("jobs.stages.rank")[-1], signal.SIGSTOP)
    last = finish(executor, made.id)[made.id][-1]
    assert isinstance(last, Failed)
    assert (last.failure, last.reason) == (Failure.HANG, "no step for 5 s")
    assert "all_reduce" in last.log, "the rank that waits for the stopped one prints its stack"
    assert marked(lambda mark: mark.task == made.id) == []


def test_what_a_gang_left_behind_ends_before_its_slots_are_used_again(
    executor: Executor, orders: Orders, artifact: bytes, tmp_path: Path
) -> None:
    [node] = executor.nodes()
    left = subprocess.Popen(
        ["sleep", "600"],
        env={MARK: str(Mark(node=node.name, slots=(0, 1), task=f"old {OURS}"))},
        start_new_session=True,
    )
    neighbor = subprocess.Popen(
        ["sleep", "600"],
        env={MARK: str(Mark(node=node.name, slots=(5,), task=f"other {OURS}"))},
        start_new_session=True,
    )
    try:
        assert isinstance(run(executor, task(executor, orders, tmp_path, "eval", artifact))[-1], Finished)
        assert left.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        assert neighbor.poll() is None
    finally:
        for process in (left, neighbor):
            process.kill()
            process.wait()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with confined.small_disk(tmp_path, "1m") as path:
        yield path


def test_a_gang_on_a_full_disk_says_so(executor: Executor, orders: Orders, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * (2**20 - 2**16))  # room for its order and its log, but not for weights
    last = run(executor, task(executor, orders, small_disk / "gang", "train"))[-1]
    assert isinstance(last, Failed)
    assert last.failure == Failure.DISK_FULL, last


def test_a_worker_that_is_killed_is_a_lost_job_and_its_slot_works_again(
    executor: Executor, orders: Orders, artifact: bytes, tmp_path: Path
) -> None:
    made = task(executor, orders, tmp_path, "eval", artifact)
    endless = orders.evaluate("0" * 64, replace(EVAL, gpus=1, chunk=16, epochs=1000))
    executor.start(replace(made, order=endless))
    wait_for(lambda: bool(executor.poll(0.5)))  # its first Progress: it computes now
    [worker] = [child for child in psutil.Process().children(recursive=True) if is_working(child)]
    worker.kill()
    last = finish(executor, made.id)[made.id][-1]
    assert isinstance(last, Failed)
    # Only its parent sees what a process died of; Ray's own daemon keeps it to itself.
    assert last.failure == (Failure.LOST if isinstance(executor, LocalExecutor) else Failure.DIED)
    assert isinstance(run(executor, task(executor, orders, tmp_path, "eval", artifact))[-1], Finished)


def test_a_warm_worker_that_died_while_it_waited_costs_at_most_an_attempt(
    executor: Executor, orders: Orders, artifact: bytes, tmp_path: Path
) -> None:
    made = task(executor, orders, tmp_path, "eval", artifact)
    assert isinstance(run(executor, made)[-1], Finished)
    [idle] = workers()
    os.kill(idle, signal.SIGKILL)
    wait_for(lambda: idle not in workers())
    last = run(executor, made)[-1]
    if isinstance(last, Failed):
        assert last.failure == Failure.LOST, last
        last = run(executor, made)[-1]
    assert isinstance(last, Finished)


def test_an_address_without_a_cluster_is_one_line() -> None:
    with pytest.raises(Unavailable, match=r"--ray 127\.0\.0\.1:1: cannot be reached"):
        join_ray("127.0.0.1:1")
    with pytest.raises(InputError, match="expected HOST:PORT"):
        join_ray("nonsense")


def test_a_running_cluster_can_be_joined_with_its_token_alone(
    ray_started: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    address = ray.get_runtime_context().gcs_address
    require_joinable(address)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "ab" * 32)
    with pytest.raises(InputError, match=rf"--ray {address}: the cluster refuses the token of RAY_AUTH_TOKEN; set"):
        require_joinable(address)


def endless_gang(executor: Executor, orders: Orders, workdir: Path) -> Task:
    """A training of two ranks that does not end by itself."""
    made = task(executor, orders, workdir, "train")
    return replace(made, order=orders.train(replace(TRAIN, steps=100_000)))


def is_working(process: psutil.Process) -> bool:
    """Whether a process runs a task: one that multiprocessing has spawned, or an actor of Ray, titled by its method."""
    line = " ".join(words_of(process))
    return "multiprocessing.spawn" in line or line.startswith("ray::Worker.run")


def workers() -> set[int]:
    """Processes below this one that run tasks, those that wait for the next one included."""
    lines = {child.pid: " ".join(words_of(child)) for child in psutil.Process().children(recursive=True)}
    return {pid for pid, line in lines.items() if "multiprocessing.spawn" in line or line.startswith("ray::Worker")}


def processes(name: str) -> list[int]:
    """Processes below this one with a word in their command line."""
    return [child.pid for child in psutil.Process().children(recursive=True) if name in words_of(child)]


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)
