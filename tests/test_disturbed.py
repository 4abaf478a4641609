"""A small sweep through the command line, with nothing replaced, while somebody sets its clock and closes its database.

Nothing is done twice, nothing fails, no lease is lost, and every attempt costs what it ran.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from cluster.scheduling.scheduler import BEAT_SECONDS
from jobs.paths import Home
from jobs.state import AttemptState, EventKind, JobState
from jobs.store import Store
from tests.jobs.database.test_outages import set_read_only
from tests.jobs.stores import empty_database
from tests.postgresql import Server, find_binaries
from tests.wall_clock import WallClock, find_compiler

SWEEP = """
name = "disturbed"

[data]
tokens = "demo"

[recipe]
train.gpus = 2
train.steps = 100
train.batch_tokens = 512
train.seq_len = 128
train.warmup_steps = 1
train.warmdown_steps = 4
train.model = { num_layers = 2, model_dim = 16, num_heads = 2, num_kv_heads = 1, mlp_hidden = 24, bigram_buckets = 64 }
quantize.level = 1
eval.preset = "none"
eval.chunk = 512
eval.window = 512
eval.gpus = 1
eval.max_seconds = 600

[seeds]
confirm = [11]

[audit]
seconds = 0.2

[[arm]]
name = "base"
baseline = true

[budget]
dollars_per_gpu_hour = 3600.0
gpu_hours = 0.5
deadline = DEADLINE
"""
"""One dollar a slot-second; the budget and the deadline are closer than two hours."""
STEP_SECONDS = 7200
MOST_SLOTS = 2
PATIENCE_SECONDS = 600.0
pytestmark = pytest.mark.timeout(PATIENCE_SECONDS)


class Run:
    """The process of one sweep and its store, which can be read beside it."""

    def __init__(self, folder: Path, url: str | None, environment: Mapping[str, str]) -> None:
        self.home, self.log = Home(folder / "home"), folder / "log.txt"
        deadline = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        (folder / "sweep.toml").write_text(SWEEP.replace("DEADLINE", deadline))
        self.store = Store.open(self.home.database_url if url is None else url)
        command = [sys.executable, "-m", "sweeps.cli", "run", folder / "sweep.toml", "--home", self.home.root, "--here"]
        command += [] if url is None else ["--db", url]
        self.began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})

    def wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def wait_for_start(self, stage: str) -> None:
        """Wait until an attempt of a stage runs."""

        def started() -> bool:
            jobs = self.store.jobs(states=[JobState.RUNNING])
            return any(job.order.job.stage == stage for job in jobs)

        self.wait_for(started)

    def end(self) -> None:
        """Wait for the end, and check that all went as if nothing had happened."""
        code = self.process.wait(PATIENCE_SECONDS)
        elapsed, printed = time.monotonic() - self.began, self.log.read_text()
        assert code == 0, printed
        assert "Traceback" not in printed and "no heartbeat" not in printed, printed
        jobs = self.store.jobs()
        assert [(job.order.job.stage, job.state) for job in jobs] == [
            (stage, JobState.DONE) for stage in ("train", "quantize", "eval", "audit")
        ]
        attempts = [attempt for job in jobs for attempt in self.store.attempts(job.key)]
        assert [attempt.state for attempt in attempts] == [AttemptState.DONE] * len(jobs), "nothing is lost or repeated"
        for attempt in attempts:
            assert 0.0 < attempt.seconds < elapsed
            assert attempt.cost == pytest.approx(attempt.slots * attempt.seconds)
        assert sum(attempt.slots * attempt.seconds for attempt in attempts) <= MOST_SLOTS * elapsed
        spent = sum(attempt.slots * attempt.seconds for attempt in attempts) / 3600
        assert self.store.account("disturbed").spent == pytest.approx(spent)
        for job in jobs:
            clocks = (job.outputs or {})["clocks"]
            assert all(0.0 <= seconds < elapsed for seconds in clocks.values()), clocks
        kinds = [event.kind for event in self.store.events()]
        once = (EventKind.DRIVER_STARTED, EventKind.DRIVER_LEFT, EventKind.SCHEDULER_STARTED, EventKind.SCHEDULER_LEFT)
        assert [kinds.count(kind) for kind in once] == [1] * len(once), "no lease was lost"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.store.close()


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler is installed (cc is not found)")
def test_a_sweep_whose_clock_is_set_and_whose_database_turns_read_only_ends_as_if_nothing_had_happened(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In one run, since each takes a while; without a PostgreSQL server the database stays as it is."""
    clock = WallClock(tmp_path)
    server: Server | None = None if find_binaries() is None else request.getfixturevalue("postgresql")
    run = Run(tmp_path, None if server is None else empty_database(server), clock.environment)
    try:
        run.wait_for_start("train")
        clock.set(STEP_SECONDS)
        if server is not None:
            with set_read_only(server):
                run.wait_for(lambda: "while running jobs go on. Ctrl-C stops." in run.log.read_text())
                time.sleep(BEAT_SECONDS + 1.0)
        run.wait_for_start("quantize")
        clock.set(-STEP_SECONDS)
        run.wait_for_start("eval")
        clock.set(0)
        run.end()
        stamps = [event.time for event in run.store.events()]
    finally:
        run.close()
    assert max(abs(after - before) for before, after in pairwise(stamps)) > STEP_SECONDS / 2, "people see the clock"
    if server is not None:
        said = " ".join(run.log.read_text().split())
        assert "in a read-only transaction; retried for 10 minutes, while running jobs go on." in said
