"""Waiting for the end of processes that are not this one's children."""

import time
from collections.abc import Iterable

import psutil


def wait_for_ends(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended, for these seconds at most; those that live on.

    Whoever has ended stays a zombie where nobody collects orphans, as in many containers; `psutil.wait_procs` takes
    zombies for alive.
    """
    until = time.monotonic() + seconds
    while (living := [process for process in processes if is_alive(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return living


def is_alive(process: psutil.Process) -> bool:
    """Whether it is there and has not ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
