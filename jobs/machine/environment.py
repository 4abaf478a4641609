"""What an attempt runs on: the machine class."""

import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch

from golf.model.attention import choose_kernel
from golf.model.precision import compute_dtype
from jobs.spec import Machine

CPU_THREADS = 1
"""Threads of a slot without a GPU: one, so that numbers do not depend on how many cores a machine has."""


def machine(processes: int = 1) -> Machine:
    """The machine class of one slot of this machine."""
    major, minor = torch.__version__.split(".")[:2]
    gpu = torch.cuda.is_available()
    place = torch.device("cuda" if gpu else "cpu")
    dtype = compute_dtype(place)
    device = f"cuda {torch.cuda.get_device_name()}" if gpu else f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return Machine(
        device=device,
        dtype=str(dtype).removeprefix("torch."),
        torch=f"{major}.{minor}",
        attention=attention_name(),
        processes=processes,
        threads=CPU_THREADS,
    )


@cache
def attention_name() -> str:
    """The attention kernel that evaluations get on this machine.

    On a GPU a process of its own finds out: the probe of golf.model.attention takes memory of the GPU for as long as a
    process lives, and a scheduler has no other use for it.
    """
    if not torch.cuda.is_available() or torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return _choose_attention()
    program = f"from {__name__} import _choose_attention; print(_choose_attention())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise RuntimeError(f"no attention kernel could be chosen: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.split()[-1]


def _choose_attention() -> str:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return choose_kernel("auto", device, compute_dtype(device)).name


def peak_bytes() -> int:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def oom_kills() -> int:
    """Processes that the kernel has killed for lack of memory since this machine started (proc(5), vmstat).

    psutil does not count them.
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
