"""What an attempt ran on: versions, the code's commit, the machine class."""

import platform
import resource
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from golf.attention import choose_kernel
from jobs.spec import Machine

CPU_THREADS = 1
"""Threads of a slot without a GPU: one core each, so that numbers do not depend on how many cores a machine has."""


@cache
def versions() -> dict[str, str]:
    """Versions of what decides numbers or behaviour; read once, because every attempt is written down with them."""
    found = {"python": platform.python_version()}
    for name in ("golfsweep", "torch", "ray", "optuna", "sentencepiece", "zstandard", "constriction"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str | None:
    """Commit of the checkout that the code runs from, with "+" if it was changed; None outside a checkout."""
    folder = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=folder, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if head.returncode else head.stdout.strip() + ("+" if changed.returncode else "")


def machine(processes: int = 1) -> Machine:
    """The machine class of one slot of this machine."""
    major, minor = torch.__version__.split(".")[:2]
    gpu = torch.cuda.is_available()
    device = f"cuda {torch.cuda.get_device_name()}" if gpu else f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return Machine(
        device=device,
        dtype="bfloat16" if gpu else "float32",
        torch=f"{major}.{minor}",
        attention=choose_kernel("auto", torch.device("cuda" if gpu else "cpu")).name,
        processes=processes,
        threads=CPU_THREADS,
    )


def peak_bytes() -> int:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def oom_kills() -> int:
    """Processes that the kernel has killed for want of memory on this machine since it started (proc(5), vmstat)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
