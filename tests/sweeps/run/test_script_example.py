"""examples/script on local Ray: trainings are shared, evaluations read kept artifacts, and no job runs twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

from jobs.state import JobState
from jobs.store import Store

ROOT = Path(__file__).parents[3]
LIMIT_SECONDS = 500.0


def test_the_example_of_a_script_runs_with_one_command(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sweeps.cli",
        "run",
        "examples/script/sweep.toml",
        "--home",
        str(tmp_path / "home"),
    ]
    command += ["--set", "search.trials=2", "--set", "search.parallel=2", "--set", "seeds.confirm=[42]", "--json"]
    command += [
        "--set",
        "script.env.TRAIN_BATCH_TOKENS=64",
        "--set",
        "script.env.MODEL_DIM=8",
        "--set",
        "confirm.top=0",
    ]
    command += ["--set", 'script.train.env.ITERATIONS="8"', "--set", 'script.eval.env.VAL_TOKENS="512"']
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    documents, attempts = [], []
    for _ in range(2):
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        documents.append(json.loads(done.stdout))
        store = Store.open(f"sqlite:///{tmp_path / 'home' / 'golfsweep.db'}", reading=True)
        jobs = store.jobs("script", [JobState.DONE])
        attempts.append({job.key: job.attempt for job in jobs})
        store.close()
    first, second = documents
    assert attempts[0] == attempts[1] and first["rows"] == second["rows"]
    trainings = [job for job in jobs if job.order.job.stage == "script.train"]
    settings = {
        (
            job.order.job.settings["env"].get("MATRIX_LR"),
            job.order.job.settings["env"].get("WARMDOWN_ITERS"),
            job.order.job.seed,
        )
        for job in trainings
    }
    evaluations = [job for job in jobs if job.order.job.stage == "script.eval"]
    assert len(trainings) == len(settings) <= 3 and len(evaluations) == 2 + 1
    made = {job.outputs["artifact"] for job in trainings if job.outputs is not None}
    assert {job.order.job.inputs["in:artifact"] for job in evaluations} == made
    [row] = first["rows"]
    assert (row["name"], row["track"]) == ("as published", "unverified") and 0 < row["seeds"]["42"] < 10
