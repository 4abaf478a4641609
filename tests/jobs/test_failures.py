"""Exceptions and logs of each class of failure, as torch, torchrun, NCCL, gloo and the kernel word them."""

import errno
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from golf.errors import Diverged, InputError, OverTime, TooLarge
from jobs.errors import NotReady
from jobs.events import Failure
from jobs.failures import classify, classify_exit, reason_of

KILLED = """
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  rank      : 1 (local_rank: 1)
  exitcode  : -9 (pid: 4242)
  error_file: <N/A>
  traceback : Signal 9 (SIGKILL) received by PID 4242
"""
WATCHDOG = """
[rank3]:[E815 10:00:00 ProcessGroupNCCL.cpp:685] [Rank 3] Watchdog caught collective operation timeout: \
WorkNCCL(SeqNum=18, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600029 milliseconds
  traceback : Signal 6 (SIGABRT) received by PID 77
"""
SEGFAULT = "  traceback : Signal 11 (SIGSEGV) received by PID 77"

PEER = "RuntimeError: [../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:4242"


ROOT_CAUSE = """
Root Cause (first observed failure):
[0]:
  time      : 2026-11-30_04:38:48
  exitcode  : 3 (pid: 7057)
  error_file: <N/A>
"""


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (InputError("x"), Failure.BAD_CONFIGURATION),
        (NotReady("x"), Failure.NOT_READY),
        (Diverged("x"), Failure.DIVERGED),
        (OverTime("x"), Failure.OVER_TIME),
        (TooLarge("x"), Failure.TOO_LARGE),
        (MemoryError(), Failure.HOST_MEMORY),
        (torch.OutOfMemoryError(), Failure.GPU_MEMORY),
        (RuntimeError("CUDA error: out of memory"), Failure.GPU_MEMORY),
        (OSError(28, "No space left on device"), Failure.DISK_FULL),
        (OSError(122, "Disk quota exceeded"), Failure.DISK_FULL),
        (RuntimeError("safetensors: Io error: No space left on device (os error 28)"), Failure.DISK_FULL),
        (dist.DistBackendError("NCCL error in: x, unhandled system error"), Failure.COLLECTIVE),
        (RuntimeError("[../gloo/transport/tcp/pair.cc:534] Connection closed by peer"), Failure.COLLECTIVE),
        (OSError(5, "I/O error"), Failure.CRASH),
        (KeyError("x"), Failure.CRASH),
    ],
)
def test_an_exception_says_whose_fault_it_is(error: Exception, failure: Failure) -> None:
    assert classify(error) == failure


@pytest.mark.parametrize(
    ("log", "oom_kills", "failure", "word"),
    [
        (KILLED, 0, Failure.LOST, "signal 9"),
        (KILLED, 1, Failure.HOST_MEMORY, "memory"),
        ("  traceback : Signal 15 (SIGTERM) received by PID 4242", 0, Failure.LOST, "signal 15"),
        (WATCHDOG, 0, Failure.COLLECTIVE, "Watchdog caught collective operation timeout"),
        (SEGFAULT, 0, Failure.CRASH, "signal 11"),
        (f"{SEGFAULT}\n{PEER}", 0, Failure.CRASH, "signal 11"),
        (f"{PEER}\n{SEGFAULT.replace('11', '7')}", 0, Failure.CRASH, "signal 7"),
        (f"No space left on device\n{SEGFAULT.replace('11', '7')}", 0, Failure.DISK_FULL, "No space left"),
        (PEER, 0, Failure.COLLECTIVE, "closed by peer"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", 0, Failure.GPU_MEMORY, "CUDA out of memory"),
        ("OSError: [Errno 28] No space left on device", 0, Failure.DISK_FULL, "No space left"),
        ("ZeroDivisionError", 0, Failure.CRASH, "without an error message"),
        (f"Signal 15 (SIGTERM) received by PID 7\n{ROOT_CAUSE}", 0, Failure.CRASH, "exit code 3"),
        (f"{ROOT_CAUSE.replace('3', '-15')}\nSignal 15 (SIGTERM) received by PID 7", 0, Failure.LOST, "signal 15"),
        (f"{KILLED}\n{ROOT_CAUSE}", 0, Failure.LOST, "signal 9"),
        (f"{SEGFAULT}\n{ROOT_CAUSE}", 0, Failure.CRASH, "signal 11"),
    ],
)
def test_the_end_of_a_gang_is_read_off_its_log(log: str, oom_kills: int, failure: Failure, word: str) -> None:
    judged, reason = classify_exit(log, oom_kills=oom_kills)
    assert judged == failure
    assert word in reason


def test_each_problem_of_an_error_stays_a_sentence_of_its_own() -> None:
    assert reason_of(InputError("a: no module x; install it", "b: no program y;\n install it")) == (
        "a: no module x; install it; also b: no program y; install it"
    )
    assert (reason_of(RuntimeError("CUDA\n  error")), reason_of(RuntimeError())) == ("CUDA error", "RuntimeError")


def test_a_folder_that_is_closed_is_no_fault_of_the_job_and_other_files_are() -> None:
    attempts = Path("/home/attempts")
    closed = PermissionError(errno.EACCES, "Permission denied", "/home/attempts/54c9/1")
    read_only = OSError(errno.EROFS, "Read-only file system", "/home/attempts/54c9")
    other = PermissionError(errno.EACCES, "Permission denied", "/data/shard.bin")
    assert [classify(error, attempts) for error in (closed, read_only)] == [Failure.UNFIT] * 2
    assert classify(other, attempts) == classify(closed) == Failure.CRASH
