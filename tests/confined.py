"""Places with little room, and processes with few rights; where they cannot be had, a test is skipped, and says why."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OVERRIDES = "-dac_override,-dac_read_search,-fowner"
"""Capabilities by which root passes over files' modes."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, in memory, of a size as mount(8) takes it."""
    path = folder / "small disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk here, as root of a machine may")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)  # at the latest when the last process lets go of it


def bound_by_modes() -> list[str]:
    """Words before a command that make it bound by files' modes, as everybody but root is."""
    if os.geteuid():
        return []
    words = ["setpriv", f"--bounding-set={OVERRIDES}"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("root passes over files' modes, and there is no setpriv to give that up")
    return words
