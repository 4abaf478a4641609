"""Why work failed: classified from an exception, or from a gang's log."""

import errno
import os
import re
from pathlib import Path
from signal import SIGKILL, SIGTERM

import torch
import torch.distributed as dist

from golf.errors import Diverged, InputError, OverTime, TooLarge
from jobs.errors import CLOSED, NotReady
from jobs.events import Failure

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded|os error 28\b")
_GPU_MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|torch\.OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"
)
_COLLECTIVE = re.compile(
    r"Watchdog caught collective operation timeout|NCCL (?:error|timeout|communicator was aborted)|ncclSystemError"
    r"|ncclRemoteError|ncclInternalError|\[.*gloo/transport|Connection closed by peer|wait timeout after"
    r"|EADDRINUSE|[Aa]ddress already in use"
)
"""What NCCL's watchdog and gloo print when a rank is silent (torch 2.13: ProcessGroupNCCL.cpp, gloo/transport), and
what is printed when ranks cannot meet since somebody else listens on their port."""
_SIGNAL = re.compile(r"Signal (\d+) \(SIG\w+\) received by PID")
"""torchrun's summary of a rank that a signal ended (torch/distributed/elastic/multiprocessing/errors)."""
_ROOT_CAUSE = re.compile(r"Root Cause \(first observed failure\):.*?\bexitcode\s*: (-?\d+)", re.DOTALL)
"""The same of the rank that failed first. Where its exit code is its own, torchrun has ended the others by SIGTERM."""
CRASHES = (4, 7, 8, 11)
"""SIGILL, SIGBUS, SIGFPE, SIGSEGV: a rank's own fault, whatever the other ranks report. Not SIGABRT, by which NCCL's
watchdog ends a rank that timed out."""


def classify(error: BaseException, attempts: Path | None = None) -> Failure:
    """The failure that an exception stands for.

    Args:
        error: what was raised.
        attempts: the folder of all attempts; where nothing may be written in it now, the job is retried later.
    """
    if attempts is not None and _is_closed(error, attempts):
        return Failure.UNFIT
    if isinstance(error, NotReady):
        return Failure.NOT_READY
    if isinstance(error, InputError):
        return Failure.BAD_CONFIGURATION
    if isinstance(error, Diverged):
        return Failure.DIVERGED
    if isinstance(error, OverTime):
        return Failure.OVER_TIME
    if isinstance(error, TooLarge):
        return Failure.TOO_LARGE
    if isinstance(error, MemoryError):
        return Failure.HOST_MEMORY
    if isinstance(error, torch.OutOfMemoryError):
        return Failure.GPU_MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure.DISK_FULL
    if isinstance(error, dist.DistBackendError | dist.DistNetworkError | dist.DistStoreError):
        return Failure.COLLECTIVE
    return classify_text(str(error))


def reason_of(error: BaseException) -> str:
    """What an exception says, in one line; the problems of one that has several are set apart by "; also "."""
    problems = error.problems if isinstance(error, InputError) else (str(error),)
    return "; also ".join(" ".join(problem.split()) for problem in problems) or type(error).__name__


def _is_closed(error: BaseException, folder: Path) -> bool:
    """Whether an error says that nothing may be written in a folder."""
    if not isinstance(error, OSError) or error.errno not in CLOSED or error.filename is None:
        return False
    return Path(os.fsdecode(error.filename)).is_relative_to(folder)


def classify_text(text: str) -> Failure:
    """The failure that an error message or the end of a log names; a crash if it names no known one."""
    for pattern, failure in (
        (_NO_SPACE, Failure.DISK_FULL),
        (_GPU_MEMORY, Failure.GPU_MEMORY),
        (_COLLECTIVE, Failure.COLLECTIVE),
    ):
        if pattern.search(text):
            return failure
    return Failure.CRASH


def crash_signal(log: str) -> int | None:
    """The signal of the first rank that crashed, by torchrun's summary; None if none did."""
    return next((number for number in _signals(log) if number in CRASHES), None)


def _signals(log: str) -> list[int]:
    return [int(number) for number in _SIGNAL.findall(log)]


def died_of_signal(log: str) -> bool:
    """Whether a signal ended the rank that failed first, by torchrun's summary; torchrun itself ends the others."""
    first = _ROOT_CAUSE.search(log)
    return any_killed(log) and (first is None or int(first[1]) < 0)


def any_killed(log: str) -> bool:
    """Whether a signal ended any rank, by torchrun's summary."""
    return bool(_signals(log))


def classify_exit(log: str, *, oom_kills: int) -> tuple[Failure, str]:
    """Why a gang ended whose ranks reported nothing, from what they and torchrun printed.

    Args:
        log: the gang's log.
        oom_kills: processes that the kernel killed for lack of memory on this node while the gang ran.

    Returns:
        The failure, and one line.
    """
    signals, crash, failure = _signals(log), crash_signal(log), classify_text(log)
    if crash is not None and failure == Failure.COLLECTIVE:  # only how the other ranks saw it
        return Failure.CRASH, f"a rank died of signal {crash}"
    if SIGKILL in signals and oom_kills:
        return Failure.HOST_MEMORY, "the kernel killed a rank because the node ran out of memory"
    own_code = int(first[1]) if (first := _ROOT_CAUSE.search(log)) is not None else 0
    if own_code > 0 and failure == Failure.CRASH and crash is None and SIGKILL not in signals:
        return failure, f"a rank ended with exit code {own_code}"
    if SIGKILL in signals or SIGTERM in signals:
        return Failure.LOST, f"a rank was ended from outside (signal {int(SIGKILL if SIGKILL in signals else SIGTERM)})"
    if signals and failure == Failure.CRASH:
        return failure, f"a rank died of signal {signals[0]}"
    return failure, _first_match(log) or "the gang ended without an error message"


def _first_match(log: str) -> str:
    """The first line of a log that names a known failure."""
    patterns = (_NO_SPACE, _GPU_MEMORY, _COLLECTIVE)
    return next((line.strip() for line in log.splitlines() if any(p.search(line) for p in patterns)), "")
