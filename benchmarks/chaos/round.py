"""One round: two sweeps with a driver each, from their start to their end."""

import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.clusters import Cluster
from jobs.paths import Home
from jobs.store import Store
from sweeps.cli.errors import ExitCode
from tests.postgresql import Server
from tests.wall_clock import WallClock

MOST_RESTARTS = 60


@dataclass
class Round:
    """Two sweeps and what can be done to them; sweeps are named by their files."""

    folder: Path
    """What all of the round lies in."""
    cluster: Cluster
    sweeps: Sequence[Path]
    server: Server | None = None
    """The database's; None for SQLite."""
    own_disk: bool = False
    """Whether the folder is a file system of its own, which may be filled."""
    bound_by_modes: bool = False
    """Whether drivers may write only where files' modes let them, as root need not."""
    clock: WallClock | None = None
    """The wall clock of the drivers and what they start; None for the true one."""
    prefix: Sequence[str] = ()
    """Words before each driver's command."""
    drivers: dict[Path, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    disturbances: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    """How often each job, by its key, lost one of its outputs."""
    gave_up: list[str] = field(default_factory=list)
    """Exit codes and last lines of drivers that ended by themselves before their sweep was done."""

    @property
    def home(self) -> Path:
        """The first driver's home, which all have unless a database of its own lets each have another."""
        return self.folder / "home-0"

    @property
    def files(self) -> Path:
        """The file store of all drivers."""
        return self.folder / "files"

    def log(self, sweep: Path) -> Path:
        """What the drivers of a sweep print, one after another."""
        return self.folder.parent / f"{self.folder.name}-{sweep.stem}.log"

    def options(self, sweep: Path) -> list[str]:
        """Where the driver of a sweep finds home, files and database."""
        number = self.sweeps.index(sweep) if self.server else 0
        database = ["--db", self.server.url] if self.server else []
        return ["--home", str(self.folder / f"home-{number}"), "--files", str(self.files), *database]

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store of all drivers."""
        store = Store.open(self.server.url if self.server else Home(self.home).database_url)
        try:
            yield store
        finally:
            store.close()

    def start(self, sweep: Path) -> None:
        """Start the driver of a sweep."""
        command = [*self.prefix, *golfsweep("run", sweep), *self.options(sweep), *self.cluster.arguments()]
        environment = os.environ | (self.clock.environment if self.clock else {})
        with self.log(sweep).open("ab") as log:
            self.drivers[sweep] = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )

    def running(self) -> list[Path]:
        """Sweeps that are not done.

        A driver that gave up (one that is started while its database is away does so at once) is started again with the
        same command, as whoever watches over it would do.
        """
        for sweep, driver in list(self.drivers.items()):
            if driver.poll() == 0:
                del self.drivers[sweep]
            elif driver.returncode is not None:
                last = self.log(sweep).read_text(encoding="utf-8", errors="replace").splitlines()[-1]
                self.gave_up.append(f"exit {driver.returncode}: {last}")
                assert driver.returncode == ExitCode.TRANSIENT, self.gave_up
                assert len(self.gave_up) <= MOST_RESTARTS, self.gave_up
                time.sleep(1.0)
                self.start(sweep)
        return list(self.drivers)

    def end(self) -> None:
        """End what still runs, after an error."""
        for driver in self.drivers.values():
            driver.kill()
            driver.wait()


def golfsweep(*words: object) -> list[str]:
    """A command of this interpreter's golfsweep."""
    return [sys.executable, "-m", "sweeps.cli", *map(str, words)]


def name_of(sweep: Path) -> str:
    """The name in a sweep file."""
    return str(tomllib.loads(sweep.read_text(encoding="utf-8"))["name"])
