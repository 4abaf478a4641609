"""Checking a sweep file in a process of its own, within limits: this process loads none of what runs sweeps."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException

from golf.errors import InputError

CHECKER = "sweeps.spec.submitted"
SECONDS = 120.0
"""Of a check, and of the wait for one's turn."""
AT_ONCE = threading.Semaphore(2)
"""Checks that run at once: each loads what a sweep file may name, which takes seconds and memory."""
ROOM = threading.Semaphore(10)
"""Checks that run or wait: each has one of the threads that answer everybody's requests, of which there are 40."""


def check_file(text: str, assignments: Sequence[str], files: Mapping[str, str], more_seeds: int = 0) -> dict[str, Any]:
    """What a service needs to know of a sweep file (`sweeps.spec.submitted.describe`).

    Args:
        text, assignments, files: the file, values on top of it, and a script's files by path.
        more_seeds: fresh seeds to add to those that entries are confirmed on.

    Raises:
        InputError: everything that is wrong with it, or its check took too much time or memory.
        HTTPException: too many others are being checked.
    """
    request = {"file": text, "set": list(assignments), "files": dict(files), "more_seeds": more_seeds}
    if not ROOM.acquire(blocking=False):
        raise _busy()
    try:
        done = _run(request)
    except subprocess.TimeoutExpired:
        raise InputError("sweep file: its check took too long; expected a file that is checked in seconds") from None
    finally:
        ROOM.release()
    if done.returncode:
        raise InputError(f"sweep file: its check ended with code {done.returncode}; expected a smaller file")
    answer: dict[str, Any] = json.loads(done.stdout)
    if problems := answer.get("problems"):
        raise InputError(*problems)
    return answer


def _run(request: Mapping[str, Any]) -> subprocess.CompletedProcess[bytes]:
    if not AT_ONCE.acquire(timeout=SECONDS):
        raise _busy()
    try:
        with tempfile.TemporaryDirectory(prefix="golfsweep-check-") as folder:
            return subprocess.run(
                [sys.executable, "-P", "-m", CHECKER],
                input=json.dumps(request).encode(),
                capture_output=True,
                cwd=folder,
                env=_environment(folder),
                timeout=SECONDS,
                check=False,
            )
    finally:
        AT_ONCE.release()


def _busy() -> HTTPException:
    return HTTPException(503, "other sweep files are being checked", {"Retry-After": "30"})


def _environment(folder: str) -> dict[str, str]:
    """As little as it takes to find Python's modules: nothing of this process's own, such as passwords."""
    known = {name: value for name in ("PATH", "LANG") if (value := os.environ.get(name)) is not None}
    modules = os.pathsep.join(path for path in sys.path if path)
    return known | {"PYTHONPATH": modules, "HOME": folder, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
