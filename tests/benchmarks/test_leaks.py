"""Leaks in short: some jobs on this machine without Ray; the long run is `python -m benchmarks.leaks`."""

from pathlib import Path

from benchmarks.leaks import run
from cluster.executors.local import LocalExecutor


def test_many_jobs_leave_nothing_but_their_results(tmp_path: Path) -> None:
    executor = LocalExecutor(2)
    try:
        early, late = run(20, executor, tmp_path / "home", lambda: 0)
    finally:
        executor.close()
    assert late.processes <= early.processes
    assert late.descriptors <= early.descriptors
    assert late.disk_bytes == early.disk_bytes == 0
    assert late.resident_bytes - early.resident_bytes < 32 * 2**20
