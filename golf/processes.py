"""Ending a process with the one that started it, however that one ends (Linux; elsewhere nothing happens).

`python golf/processes.py WORD COMMAND…` becomes another program that ends with its parent, as long as WORD stands in
the parent's command line: torchrun gives each rank a session of its own, in which it would survive torchrun.
It needs the standard library alone, of Python 3.8 or later: the interpreter may be another than golfsweep's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when the thread that started it ends. It survives execve(2)."""
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Loaded beforehand: between fork and exec nothing may be."""


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends, killed or not."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become(word: str, command: Sequence[str]) -> NoReturn:
    """Turn this process into another program that ends with its parent; a word in its command line tells the parent."""
    end_with_parent()
    if not _parent_has(word):  # it ended before this process could ask to end with it
        sys.exit(f"{word} ended before this process began")
    os.execvp(command[0], list(command))


def _parent_has(word: str) -> bool:
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as line:
            return word.encode() in line.read()
    except OSError:  # no /proc here, and no such signal either
        return _LIBC is None


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2:])
