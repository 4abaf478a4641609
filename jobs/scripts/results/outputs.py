"""What a script leaves in its folder: its declared outputs, once they are written."""

import fcntl
import os
import signal
import stat
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from golf.errors import InputError, shown
from golf.files import read_regular

MOST_BYTES = 2**33
"""Of an output; it has to fit into memory on its way to the file store."""
SETTLED_SECONDS = 2.0
"""A file that was not written to for so long before its script was killed counts as complete."""
_Stamp = tuple[int, int, int]


def inside(folder: Path, name: str, what: str) -> Path:
    """The path of a file in a folder.

    Raises:
        InputError: the name leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise InputError(f"{what} {shown(name)}: leads out of the script's folder; name a file in it")
    return folder / name


class Outputs:
    """The declared outputs of one attempt."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        """Watch for them.

        Args:
            folder: the script's; what lies there now is not the script's work.
            names: role → file name.

        Raises:
            InputError: a name leads out of the folder.
        """
        self._folder = folder
        self._paths = {role: inside(folder, name, "output") for role, name in names.items()}
        self._before = {role: _stamp(path) for role, path in self._paths.items()}
        self._closed: dict[str, _Stamp | None] = {}
        """Role → what a file was when nobody had it open for writing."""

    def note_closed(self) -> None:
        """Look which of them are written and that nobody has open for writing, while the script runs."""
        for role, path in self._paths.items():
            stamp = _stamp(path)
            is_new = stamp not in (None, self._before[role], self._closed.get(role))
            if is_new and _is_closed(path) and stamp == _stamp(path):
                self._closed[role] = stamp

    @property
    def are_written(self) -> bool:
        """Whether the script has written all of them."""
        return all(self._is_written(role) for role in self._paths)

    def problems(self) -> list[str]:
        """What keeps any of them from being read, a line each."""
        return [problem for role in self._paths if (problem := self._problem(role)) is not None]

    def read(self) -> dict[str, bytes]:
        """Content by role.

        Raises:
            InputError: one of them cannot be read.
        """
        return {role: self._read(path) for role, path in self._paths.items()}

    def read_written(self, *, settled: bool) -> dict[str, bytes]:
        """Content by role of those that are there, whatever became of the script.

        Args:
            settled: only those that were not being written to when it was ended.
        """
        contents = {}
        for role, path in self._paths.items():
            if self._problem(role) is None and not (settled and self._is_fresh(role)):
                contents[role] = self._read(path)
        return contents

    def _read(self, path: Path) -> bytes:
        return read_regular(path, MOST_BYTES, "expected an output of the script")

    def _is_fresh(self, role: str) -> bool:
        path = self._paths[role]
        return _stamp(path) != self._closed.get(role) and time.time() - path.stat().st_mtime < SETTLED_SECONDS

    def _is_written(self, role: str) -> bool:
        stamp = _stamp(self._paths[role])
        return stamp is not None and stamp != self._before[role]

    def _problem(self, role: str) -> str | None:
        path = self._paths[role]
        name = f"{path.relative_to(self._folder)} (role {role})"
        if not self._is_written(role):
            return f"it did not write {name}"
        if not stat.S_ISREG(path.stat().st_mode):
            return f"{name} is not a file but a folder, pipe or device"
        if not path.resolve().is_relative_to(self._folder.resolve()):
            return (
                f"{name} is a link to {os.readlink(path) if path.is_symlink() else path.resolve()}, out of its folder"
            )
        return None


def _is_closed(path: Path) -> bool:
    """Whether no process has a file open for writing, as the kernel says; False where its disk cannot tell."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Whoever opens it for writing meanwhile waits until it is closed here, and this process gets the signal.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file is written; None where there is none, or a link leads nowhere."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
