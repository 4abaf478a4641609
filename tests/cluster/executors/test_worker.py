"""Tasks whose attempts' folder is closed: nobody's fault, and retried later."""

import errno
import json
import pickle
import subprocess
import sys
from pathlib import Path

from cluster.executor import Task
from jobs.events import Failure
from jobs.stages.registry import stage_named
from jobs.stages.work.gang_folder import write_error
from tests.cluster.orders import Orders
from tests.confined import bound_by_modes

PROGRAM = """
import pickle, sys
from cluster.executors.worker import run_task
last = [*run_task(pickle.load(sys.stdin.buffer))][-1]
print(last.failure, last.reason)
"""


def test_a_gang_whose_folder_may_not_be_written_to_is_unfit_there(orders: Orders, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    attempts.mkdir(mode=0o555)
    task = Task(
        id="t", stage=stage_named("train"), order=orders.train(), node="n", slots=(0,), workdir=attempts / "key" / "1"
    )
    command = [*bound_by_modes(), sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, input=pickle.dumps(task), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith(f"{Failure.UNFIT} [Errno 13] Permission denied: '{attempts}")


def test_a_rank_whose_folder_is_closed_leaves_the_same_failure(tmp_path: Path) -> None:
    folder = tmp_path / "attempts" / "key" / "1"
    folder.mkdir(parents=True)
    write_error(folder, PermissionError(errno.EACCES, "Permission denied", str(folder / "metrics.jsonl")))
    assert json.loads((folder / "error.0.json").read_text(encoding="utf-8"))["failure"] == Failure.UNFIT
