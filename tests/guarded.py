"""Run something hostile in a child process, which may crash, hang or take memory without harm to the tests."""

import faulthandler
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

HANG_SECONDS = 10.0
WAIT_FACTOR = 12
"""By how much a step may take longer on the clock than it computes: others may use the machine."""
MOST_MEMORY_BYTES = 2**30
_NUMBER = struct.Struct("<q")


class Misbehaved(AssertionError):
    """A step failed, crashed, hung or took too much memory."""

    def __init__(self, step: int, how: str, report: str) -> None:
        super().__init__(f"step {step} {how}\n{report}")
        self.step, self.how, self.report = step, how, report


def run_guarded(
    steps: Iterable[Callable[[], object]], *, most_bytes: int = MOST_MEMORY_BYTES, hang_seconds: float = HANG_SECONDS
) -> int:
    """Run steps one after another in a child process; returns how many there were.

    Args:
        steps: what to run; made in the child, too, where it is a generator.
        most_bytes: by how much the child's address space may grow.
        hang_seconds: longest time for one step, of computing; it may wait for the machine twelve times as long.

    Raises:
        Misbehaved: a step raised an exception, among them MemoryError, ended the process, or took too long.
    """
    progress = mmap.mmap(-1, _NUMBER.size)  # shared with the child
    report = os.memfd_create("report")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os._exit(_run_steps(steps, most_bytes, progress, report))
    status = _wait(child, progress, hang_seconds)
    (step,) = _NUMBER.unpack(progress[:])
    text = os.pread(report, 100_000, 0).decode(errors="replace")
    os.close(report)
    if status == 0:
        return int(step)
    if status is None:
        how = f"hung for {hang_seconds:g} s"
    else:
        how = f"crashed with signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "failed"
    raise Misbehaved(step, how, text)


def _run_steps(steps: Iterable[Callable[[], object]], most_bytes: int, progress: mmap.mmap, report: int) -> int:
    """What the child does; returns its exit code."""
    faulthandler.enable(report)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * mmap.PAGESIZE + most_bytes, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for number, step in enumerate(steps, 1):
            step()
            progress[:] = _NUMBER.pack(number)
    except BaseException:
        os.write(report, traceback.format_exc().encode(errors="replace"))
        return 1
    return 0


def _wait(child: int, progress: mmap.mmap, hang_seconds: float) -> int | None:
    """The child's status; None if it made no progress for too long and was killed."""
    process = psutil.Process(child)
    last, since, computed_before = b"", time.monotonic(), 0.0
    while True:
        computed = sum(process.cpu_times()[:2])  # before it is looked for: it is there until then
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if (now := progress[:]) != last:
            last, since, computed_before = now, time.monotonic(), computed
        if computed - computed_before > hang_seconds or time.monotonic() - since > WAIT_FACTOR * hang_seconds:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)
