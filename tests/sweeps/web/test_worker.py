"""Workers that reach the database only through the service, as processes: it dies and comes back, one of them dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2

from cluster.executor import Node, Task
from cluster.registry import EXECUTORS, ExecutorKind
from golf.data.corpus import DemoData
from jobs.events import Event
from jobs.machine import environment
from jobs.state import AttemptState, JobState, Scope
from jobs.workplace import Workplace
from sweeps.board.leaderboard import VARYING
from sweeps.entries.reading import board_of
from sweeps.run import session
from tests.sweeps import inline
from tests.sweeps.web.test_serving import free_port

SECONDS = 240.0
"""For whatever takes seconds, on a machine that does other work, too."""
WORKER = """
import os, time
from cluster.registry import EXECUTORS
from tests.sweeps import inline
EXECUTORS["inline"] = inline.KIND
begun = []
def wait_at_gate(task):
    begun.append(task.id)
    while os.path.exists(f"{os.environ['GATES']}.{len(begun)}"):
        time.sleep(0.02)
inline.Inline.record.before = wait_at_gate
from sweeps.cli import main
main()
"""
"""`golfsweep` whose executor `inline` computes everything in its own process; a file by a job's number holds it up."""


class Elsewhere:
    """A cluster without slots: who drives with it runs no job."""

    cluster = "elsewhere"

    def __init__(self, _: str) -> None:
        """Its address says nothing."""

    def nodes(self) -> list[Node]:
        return [Node(name="none", host="none", slots=0, machine=environment.machine())]

    def start(self, task: Task) -> None:
        raise AssertionError(f"{task.id} was placed on no slot")

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        time.sleep(timeout)
        return []

    def cancel(self, task_id: str) -> None:
        """It has none."""

    def close(self) -> None:
        """It has opened nothing."""

    def interpreters(self, python: str | None, passed: Sequence[str]) -> Mapping[str, Any]:
        return {}


class Processes:
    """The service and its workers; use as a context, which ends them."""

    def __init__(self, place: Workplace, folder: Path) -> None:
        self._place, self._folder, self._port = place, folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment = {**os.environ, "GOLFSWEEP_TOKEN": place.store.create_token(Scope.SUBMIT, "anna", 1).text}
        self._stack = ExitStack()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def serve(self) -> subprocess.Popen[bytes]:
        words = ["serve", "--port", str(self._port), "--home", str(self._place.home.root)]
        process = self._start("service", ["-m", "sweeps.cli", *words])
        wait_until(lambda: answers(self.url))
        return process

    def work(self, name: str) -> subprocess.Popen[bytes]:
        words = ["work", "--server", self.url, "--executor", "inline", "--home", str(self.home(name))]
        return self._start(name, ["-c", WORKER, *words])

    def home(self, name: str) -> Path:
        return self._folder / name

    def gate(self, name: str, number: int) -> Path:
        """While this file exists, the job of this number, from 1 on, does not begin in a worker."""
        return self._folder / f"{name}.gate.{number}"

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def _start(self, name: str, words: list[str]) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{name}.log").open("ab"))
        environment = {**self._environment, "GATES": str(self._folder / f"{name}.gate")}
        process = subprocess.Popen([sys.executable, *words], env=environment, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


def answers(url: str) -> bool:
    """Whether a service lives at an address."""
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/healthz").status_code == 200
    return False


def wait_until(fulfilled: Callable[[], Any]) -> None:
    until = time.monotonic() + SECONDS
    while not fulfilled():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.05)


def board(place: Workplace) -> list[dict[str, Any]]:
    """Of the sweep "small", without what another run of the same measures otherwise."""
    return [
        {name: value for name, value in row.items() if name not in VARYING} for row in board_of("small", place).table()
    ]


def test_a_board_is_the_same_whatever_died_on_the_way(
    own_place: Workplace, place: Workplace, demo: DemoData, tmp_path: Path
) -> None:
    spec = inline.spec_of(inline.cut_data(demo, tmp_path / "documents"))
    said: list[str] = []
    ends: list[Any] = []

    def drive() -> None:
        ends.append(session.run(spec, own_place, executor="none:here", show=lambda *_: None, say=said.append))

    def done() -> int:
        return len(own_place.store.jobs("small", [JobState.DONE]))

    kind = ExecutorKind(summary="no slots", join=f"{__name__}:Elsewhere")
    driver = threading.Thread(target=drive, daemon=True)
    with Processes(own_place, tmp_path) as processes, patch.dict(EXECUTORS, none=kind):
        # A worker of two slots tells of the job before the last one at the latest when the next begins.
        in_outage, never = processes.gate("first", 4), processes.gate("first", 8)
        in_outage.touch()
        never.touch()
        service = processes.serve()
        first = processes.work("first")
        wait_until(lambda: "Ready" in processes.log("first"))
        second = processes.work("second")  # of the same machine: it stands by
        driver.start()
        wait_until(lambda: done() >= 2)
        service.kill()
        service.wait()
        in_outage.unlink()
        wait_until(lambda: "retried for 10 minutes" in processes.log("first"))
        processes.serve()
        wait_until(lambda: done() >= 6)
        first.kill()
        first.wait()
        driver.join(SECONDS)
        assert [end.done for end in ends] == [True], (said, processes.log("second"))
        assert "Ready" in processes.log("second")
        second.send_signal(signal.SIGINT)
        assert second.wait(SECONDS) == 130
        assert "what it had is free for others" in processes.log("second").splitlines()[-1]

    assert board(own_place) == board(place)
    ways = {record.key: own_place.store.attempts(record.key) for record in own_place.store.jobs("small")}
    assert {tuple(way.state for way in tries if way.state == AttemptState.DONE) for tries in ways.values()} == {
        (AttemptState.DONE,)
    }, "nothing was done twice"
    workers = {way.scheduler.split(":")[1] for tries in ways.values() for way in tries}
    assert workers == {str(first.pid), str(second.pid)}
    assert not processes.home("first").joinpath("golfsweep.db").exists()
    assert own_place.store.live_schedulers() == []
    failed = [way.failure for tries in ways.values() for way in tries if way.failure is not None]
    assert failed == [], "whatever died was nobody's fault"
