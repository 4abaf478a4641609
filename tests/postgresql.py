"""A PostgreSQL server of the tests' own, started from the installed binaries; no service, no port, no user's data."""

import os
import shutil
import subprocess
import time
from pathlib import Path

START_SECONDS = 60.0


class Server:
    """One server in a folder; `start`, `stop` and `kill` may follow each other."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._binaries, self._data = binaries, folder / "data"
        self._sockets = folder / "sockets"
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root; the packages of every distribution make a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._sockets.mkdir(parents=True)
        self._data.mkdir()
        if self._user is not None:
            for path in (self._data, self._sockets):
                shutil.chown(path, self._user, self._user)
        # The user's own locale may be one that is not installed.
        initdb = [binaries / "initdb", "--pgdata", self._data, "--username=golfsweep", "--auth=trust", "--no-sync"]
        initdb += ["--locale=C", "--encoding=UTF8"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/")

    @property
    def url(self) -> str:
        return f"postgresql://golfsweep@/postgres?host={self._sockets}"

    def start(self) -> None:
        """Start it; after a crash as soon as the last of its processes, which hold its memory, has ended."""
        command = [self._binaries / "postgres", "-D", self._data, "-c", f"unix_socket_directories={self._sockets}"]
        command += ["-c", "listen_addresses=", "-c", "max_connections=40"]
        command += ["-c", "fsync=off"]  # it may die here, but the machine does not
        ready = [self._binaries / "pg_isready", "-h", self._sockets, "-t", "30"]
        until = time.monotonic() + START_SECONDS
        while self._process is None or subprocess.run(ready, stdout=subprocess.DEVNULL, check=False).returncode:
            assert time.monotonic() < until, "PostgreSQL does not start"
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._user, cwd="/"
                )

    def kill(self) -> None:
        """End it as a crash would: no checkpoint, no farewell to its clients."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)
        self._process = None


def find_binaries() -> Path | None:
    """The folder of an installed server's programs, the newest of several."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None
