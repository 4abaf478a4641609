"""This machine's workers when something is wrong with them or with the machine."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.executor import Unplaceable
from cluster.executors.local import LocalExecutor, _serve, devices
from jobs.events import Failed, Failure
from tests.cluster.executors.test_executors import finish, run, task, wait_for, workers
from tests.cluster.orders import Orders


@pytest.fixture
def local() -> Iterator[LocalExecutor]:
    made = LocalExecutor(2, f"local {os.getpid()}")
    yield made
    made.close()


def test_memory_kills_of_other_days_are_not_held_against_a_worker_that_is_killed_later(
    local: LocalExecutor, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = 0
    monkeypatch.setattr("cluster.executors.local.environment.oom_kills", lambda: kills)
    made = task(local, orders, tmp_path, "eval", b"no artifact")
    assert isinstance(run(local, made)[-1], Failed)
    [worker] = workers()
    kills = 7
    os.kill(worker, signal.SIGSTOP)  # so that it does not end the task before it is killed
    local.start(made)
    os.kill(worker, signal.SIGKILL)
    last = finish(local, made.id)[made.id][-1]
    assert isinstance(last, Failed)
    assert last.failure == Failure.LOST
    local.start(made)
    [worker] = workers()
    os.kill(worker, signal.SIGSTOP)
    kills = 8
    os.kill(worker, signal.SIGKILL)
    last = finish(local, made.id)[made.id][-1]
    assert isinstance(last, Failed)
    assert last.failure == Failure.HOST_MEMORY


def test_a_worker_whose_scheduler_died_while_it_started_does_not_touch_the_task_that_it_was_handed(
    local: LocalExecutor, orders: Orders, tmp_path: Path
) -> None:
    """It would end the gang of the next scheduler on the same slots, as a leftover."""
    made = task(local, orders, tmp_path, "eval", b"no artifact")
    context = multiprocessing.get_context("spawn")
    for parent, expected in ((os.getpid(), ["Progress", "Failed"]), (1, [])):
        ours, theirs = context.Pipe()
        ours.send(made)
        worker = context.Process(target=_serve, args=(theirs, "", parent))
        worker.start()
        theirs.close()
        events = []
        with contextlib.suppress(EOFError, ConnectionResetError):  # with or without the task left unread
            while len(events) < 2:
                events.append(type(ours.recv()).__name__)
        ours.close()
        worker.join(60)
        assert (events, worker.exitcode) == (expected, 0)


def test_a_machine_that_starts_no_process_is_no_place_for_a_task(
    local: LocalExecutor, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("cluster.executors.local._Worker", full)
    with pytest.raises(Unplaceable, match=r"no worker can be started: .*Resource temporarily unavailable"):
        local.start(task(local, orders, tmp_path, "eval"))
    assert local.poll(0.0) == []


def test_what_does_not_die_does_not_stop_who_ends_it(
    local: LocalExecutor, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_: object) -> None:
        raise TimeoutError("processes [7] of an ended gang cannot be killed")

    monkeypatch.setattr("cluster.executors.local.end_marked", stuck)
    made = task(local, orders, tmp_path, "eval", b"no artifact")
    local.start(made)
    local.cancel(made.id)
    wait_for(lambda: not workers())


@pytest.mark.parametrize(
    ("slots", "visible", "gpus", "expected"),
    [
        ((0, 3), None, 8, "0,3"),
        ((1,), "4, 5,6,7", 4, "5"),
        ((0, 1), "GPU-aa,GPU-bb", 2, "GPU-aa,GPU-bb"),
        ((0, 1), "", 0, ""),
        ((0, 1), None, 0, ""),
    ],
)
def test_a_slot_is_the_device_that_this_process_was_given(
    slots: tuple[int, ...], visible: str | None, gpus: int, expected: str
) -> None:
    assert devices(slots, visible, gpus) == expected
