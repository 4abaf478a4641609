"""Processes of a chaos run: those below this one, and those that bear its mark."""

import os
import random
import time
from collections.abc import Sequence

import psutil

MARK = "GOLFSWEEP_CHAOS"
"""An environment variable that whatever the run starts inherits."""
END_SECONDS = 20.0
"""How long a process may outlive the run."""


def descendants() -> list[psutil.Process]:
    """All processes below this one."""
    return psutil.Process().children(recursive=True)


def command(process: psutil.Process) -> str:
    """A process's command line; empty for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill_any(victims: Sequence[psutil.Process]) -> bool:
    """Kill one of several processes; False if there is none."""
    if not victims:
        return False
    try:
        random.choice(victims).kill()
    except psutil.Error:
        return False
    return True


def survivors() -> list[str]:
    """Command lines of marked processes that are still there after `END_SECONDS`."""
    until = time.monotonic() + END_SECONDS
    while True:
        living = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == os.environ[MARK] and process.pid != os.getpid():
                    living.append(command(process))
            except (OSError, psutil.Error):
                continue
        if not living or time.monotonic() > until:
            return living
        time.sleep(0.5)
