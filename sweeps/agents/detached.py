"""Runs in the background: a process in a session of its own, which the end of terminal and caller does not stop.

Each leaves a ticket and a log in the home. The ticket says which process it is, so that whoever waits for the sweep
knows that it lives before it has written anything to the database.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from golf.errors import InputError
from golf.files import write_atomically
from jobs.machine.host import identity
from jobs.paths import Home

SAME_START_SECONDS = 2.0
"""Two looks at a process agree on when it started within this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTicket:
    """A run that was started in the background."""

    ticket: str
    sweep: str
    pid: int
    host: str
    """As `jobs.machine.host.identity` names it."""
    started: float
    """When the process started, in epoch seconds."""
    log: str
    """Path of the file with everything that it prints."""
    event: int
    """Number of the last event in the database before it started."""

    def is_alive(self) -> bool:
        """Whether its process lives on this machine."""
        if self.host != identity():
            return False
        with suppress(ChildProcessError):  # it is another process's child
            os.waitpid(self.pid, os.WNOHANG)
        try:
            found = psutil.Process(self.pid)
            is_same = abs(found.create_time() - self.started) < SAME_START_SECONDS
            return is_same and found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def tail(self, lines: int) -> list[str]:
        """The last lines of its log; none where the log is on another machine."""
        try:
            with open(self.log, "rb") as stream:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - 4096))
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-lines:]


def start_detached(
    words: Sequence[str], sweep: str, home: Home, environment: Mapping[str, str], event: int
) -> RunTicket:
    """Start a golfsweep command in the background.

    Args:
        words: of the command after `golfsweep`.
        sweep: the sweep that it runs.
        home: gets its log and ticket.
        environment: variables beside this process's own, e.g. a database's URL, which everybody could read in `words`.
        event: number of the last event in the database.

    Raises:
        InputError: nothing can be written to the home.
    """
    ticket = f"{sweep}-{secrets.token_hex(4)}"
    log = home.runs / f"{ticket}.log"
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    command = [sys.executable, "-m", "sweeps.cli", *words]
    try:
        home.runs.mkdir(parents=True, exist_ok=True)
        pid = os.posix_spawn(sys.executable, command, {**os.environ, **environment}, file_actions=actions, setsid=True)
    except OSError as error:
        raise InputError(f"{log}: cannot be written ({error.strerror}); choose another --home") from None
    started = psutil.Process(pid).create_time()
    made = RunTicket(ticket=ticket, sweep=sweep, pid=pid, host=identity(), started=started, log=str(log), event=event)
    write_atomically(home.runs / f"{ticket}.json", json.dumps(asdict(made)).encode())
    return made


def last_ticket(sweep: str, home: Home) -> RunTicket | None:
    """The latest run of a sweep that was started in the background of this home; None where there is none."""
    made = [ticket for path in home.runs.glob("*.json") if (ticket := _read(path)) and ticket.sweep == sweep]
    return max(made, key=lambda ticket: ticket.started, default=None)


def _read(path: Path) -> RunTicket | None:
    try:
        facts: Mapping[str, Any] = json.loads(path.read_bytes())
        return RunTicket(**facts)
    except (OSError, ValueError, TypeError):  # of another version, or no ticket
        return None
