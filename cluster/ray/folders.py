"""Folders of the Rays that we start: each holds Ray's files, and is removed once its Ray is dead.

Ray itself never removes what it writes. A folder of ours has a name and a lock of its own: the process that started the
Ray holds the lock until it ends, however it ends, so nobody takes a living Ray's folder for a dead one's.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

PREFIX = "golfsweep-ray-"
LOCK = "owner.lock"
LOG = "driver.log"
MARK = "GOLFSWEEP_RAY_FOLDER"
"""The environment variable by which every process of a Ray names its folder."""
LONGEST_ROOT = 16
"""Characters; our name and Ray's for a socket add up to 91, and the kernel takes a path of no more than 107."""
END_SECONDS = 10.0
POLL_SECONDS = 0.1
YOUNG_SECONDS = 60.0
"""A folder without a lock may be about to get it."""


class RayFolder:
    """The folder of one Ray, locked by this process."""

    def __init__(self) -> None:
        """Create and lock it."""
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_root()))
        self._lock: int | None = os.open(self.path / f"{LOCK}.new", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.path / f"{LOCK}.new").rename(self.path / LOCK)

    @property
    def log(self) -> Path:
        """What the process that talks to this Ray prints, Ray's own messages included."""
        return self.path / LOG

    def end_processes(self) -> list[int]:
        """End every process of this Ray; returns those that do not die."""
        until = time.monotonic() + END_SECONDS
        while living := processes_of(self.path):
            if time.monotonic() > until:
                break
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        return living

    def release(self, *, remove: bool) -> None:
        """Let go of the folder; it is removed now, or with other dead ones when the next process starts a Ray."""
        if remove and not processes_of(self.path):
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None


def remove_dead() -> list[Path]:
    """Remove the folders of this user's dead Rays; returns them."""
    removed = []
    for path in _root().glob(f"{PREFIX}*"):
        with _locked_if_dead(path) as dead:
            if dead and not processes_of(path):
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
    return removed


def processes_of(folder: Path) -> list[int]:
    """Processes of the Ray of a folder, this process aside; those of other users are not seen."""
    pids = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and _belongs(process, folder):
                pids.append(process.pid)
        except (psutil.Error, OSError):  # it has just ended, or is another user's
            continue
    return pids


def _belongs(process: psutil.Process, folder: Path) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE:
        return False
    if process.environ().get(MARK) == str(folder):
        return True
    # A worker writes its title over its environment; its log is in the folder.
    title = process.cmdline()[:1]
    return (
        bool(title)
        and title[0].startswith("ray::")
        and any(Path(file.path).is_relative_to(folder) for file in process.open_files())
    )


@contextlib.contextmanager
def _locked_if_dead(path: Path) -> Iterator[bool]:
    """Whether a folder's owner is dead; until the end of the context nobody else finds that out."""
    with contextlib.ExitStack() as stack:
        try:
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                dead = False
            elif (path / LOCK).exists():
                lock = os.open(path / LOCK, os.O_RDWR)
                stack.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                dead = True
            else:
                dead = time.time() - path.stat().st_mtime > YOUNG_SECONDS
        except OSError:  # its owner lives, or somebody else has just removed it
            dead = False
        yield dead


def logs() -> str:
    """Where to look for what lost Rays have printed."""
    return str(_root() / f"{PREFIX}*" / LOG)


def _root() -> Path:
    """The folder for temporary files; /tmp where its path is too long for Ray's sockets."""
    root = tempfile.gettempdir()
    return Path(root if len(root) <= LONGEST_ROOT else "/tmp")
