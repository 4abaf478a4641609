"""Ray loses a part of itself while a sweep runs: a Ray of our own starts anew, a cluster's loss ends the command."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.executors.processes import marked
from cluster.ray.folders import LOCK, MARK, RayFolder, processes_of
from golf.data.corpus import DemoData
from jobs.events import Failure
from jobs.paths import Home
from jobs.state import SweepState
from jobs.store import Store
from sweeps.board.leaderboard import VARYING
from tests.process_ends import wait_for_ends
from tests.ray_parts import parts_of
from tests.short_data import with_short_data
from tests.sweeps.cli.test_run_command import SWEEP

PATIENCE_SECONDS = 240.0
END_SECONDS = 60.0
"""How long ranks may outlive what they belong to."""
pytestmark = pytest.mark.timeout(4 * PATIENCE_SECONDS)


def sweep_file(folder: Path, demo: DemoData, steps: int) -> Path:
    """A sweep whose training takes two ranks and so many steps."""
    file = folder / "small.toml"
    text = SWEEP.replace("gpus = 1\nsteps = 3", f"gpus = 2\nsteps = {steps}", 1)
    file.write_text(with_short_data(text, demo, folder / "data"))
    assert f"steps = {steps}" in file.read_text()
    return file


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="g-", dir="/tmp") as folder:
        yield Path(folder)


class Run:
    """`golfsweep run` as a process of its own."""

    def __init__(self, home: Path, *words: str | Path, **environment: str) -> None:
        self.home, self._err = home, home.parent / f"{home.name}.err"
        command = [sys.executable, "-m", "sweeps.cli", "run", *map(str, words), "--home", str(home), "--json"]
        with self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
            )

    def wait_for(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self.process.poll() is None, self.lines()
            assert time.monotonic() < until, self.lines()
            time.sleep(0.05)

    def wait_for_step(self, attempt: int) -> None:
        """Wait until an attempt at the training has made a step."""
        self.wait_for(lambda: any(self.home.glob(f"attempts/*/{attempt}/metrics.jsonl")))

    def end(self) -> tuple[int, dict[str, Any]]:
        """Wait for its exit code and its document."""
        out, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, json.loads(out)

    def lines(self) -> list[str]:
        """What it said that is no progress."""
        return [line for line in self._err.read_text().splitlines() if " · jobs " not in line]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*words: str | Path, **environment: str) -> Run:
        runs.append(Run(tmp_path / f"home-{len(runs)}", *words, **environment))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in VARYING} for row in document["rows"]]


def test_a_ray_of_our_own_that_loses_a_part_starts_anew_and_the_sweep_ends_as_if_nothing_were(
    start: Callable[..., Run], tmp_path: Path, demo: DemoData, temporary: Path
) -> None:
    file = sweep_file(tmp_path, demo, steps=200)
    run = start(file, TMPDIR=str(temporary))
    below: set[psutil.Process] = set()
    for attempt, part in enumerate(("dashboard agent", "GCS"), start=1):
        run.wait_for_step(attempt)
        below |= set(psutil.Process(run.process.pid).children(recursive=True))
        [pid] = parts_of(run.process.pid)[part]
        os.kill(pid, signal.SIGKILL)
    code, document = run.end()
    assert code == 0, run.lines()
    losses = [line for line in run.lines() if line.startswith("Ray on this machine is lost: ")]
    assert len(losses) == 2, run.lines()
    assert "its GCS at " in losses[1]
    assert raw(run.lines()) == []
    assert wait_for_ends(below, END_SECONDS) == []
    undisturbed = start(file, "--here").end()[1]
    assert rows(document) == rows(undisturbed)
    store = Store.open(Home(run.home).database_url)
    training = next(job for job in store.jobs() if job.order.job.stage == "train")
    assert [attempt.failure for attempt in store.attempts(training.key)] == [Failure.LOST] * 2 + [None]
    assert training.failures == 0, "no loss counts against a job"
    store.close()
    left = list(temporary.glob("golfsweep-ray-*"))
    assert len(left) == 2 and all((path / LOCK).exists() for path in left), "only lost ones are kept, for their logs"


@pytest.fixture
def head() -> Iterator[RayFolder]:
    """A Ray cluster of one node, as "ray start" starts it."""
    folder = RayFolder()
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--port=0", "--num-cpus=2"]
    command += ["--include-dashboard=false", f"--temp-dir={folder.path}"]
    environment = {**os.environ, **TOKEN, MARK: str(folder.path), "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        yield folder
    finally:
        left = folder.end_processes()
        folder.release(remove=True)
        assert left == []


TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}


def test_a_cluster_that_loses_its_gcs_ends_the_command_with_one_line_and_every_rank(
    start: Callable[..., Run], tmp_path: Path, demo: DemoData, head: RayFolder
) -> None:
    address = (head.path / "ray_current_cluster").read_text().strip()
    run = start(sweep_file(tmp_path, demo, steps=100_000), "--ray", address, **TOKEN)
    run.wait_for_step(1)
    [host] = parts_of(run.process.pid)["host"]
    os.kill(host, signal.SIGKILL)  # the cluster lives: it is joined anew
    run.wait_for_step(2)
    store = Store.open(Home(run.home).database_url)
    keys = {job.key for job in store.jobs()}

    def ranks() -> list[int]:
        return marked(lambda mark: mark.task.partition("/")[0] in keys)

    assert len(ranks()) >= 2
    [gcs] = [pid for pid in processes_of(head.path) if "gcs_server" in " ".join(psutil.Process(pid).cmdline()[:1])]
    os.kill(gcs, signal.SIGKILL)
    until = time.monotonic() + END_SECONDS
    while ranks():
        assert time.monotonic() < until, "ranks outlive their cluster"
        time.sleep(0.2)
    code, document = run.end()
    lost = f"--ray {address} is lost: its GCS at {address} is gone: connection refused"
    assert (code, document["error"], document["code"]) == (3, lost, 3)
    assert [line for line in run.lines() if line.startswith("golfsweep:")] == [f"golfsweep: {lost}; {document['hint']}"]
    assert raw(run.lines()) == []
    sweep = store.sweep("small")
    assert sweep is not None and (sweep.state, sweep.reason) == (SweepState.STOPPED, lost)
    assert store.driver_of("small") is None and store.live_schedulers() == []
    assert [job.claimed_by for job in store.jobs()] == [None] * len(keys)
    store.close()


def raw(lines: list[str]) -> list[str]:
    """Lines that Ray has printed, not we."""
    return [line for line in lines if line.startswith(("(", "[", "\x1b", "20")) or "core_worker" in line]
