"""Starting a run in the background: everything is checked first, so that bad input fails at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import AlreadyDriven
from jobs.machine import environment
from jobs.workplace import Workplace
from sweeps.agents.detached import RunTicket, last_ticket, start_detached
from sweeps.run.driving.opening import resolve
from sweeps.run.memory import check_memory
from sweeps.spec.checks.names import check_names
from sweeps.spec.file import load_sweep

MOST_WAIT_SECONDS = 600
"""What a ticket's command waits; more would outlast the patience of most callers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DetachedRun:
    """A run that is to go on without its caller."""

    file: Path
    executor: str
    """Where jobs run, as `NAME` or `NAME:ADDRESS` of `cluster.registry.EXECUTORS`."""
    root: Path
    """The home's folder."""
    assignments: Sequence[str] = ()
    """KEY=VALUE each."""
    tags: Sequence[str] = ()
    owner: str | None = None
    agent: str | None = None
    database: str | None = None
    files: str | None = None

    def words(self, root: Path) -> list[str]:
        """The command's words. What may hold a password goes into its environment."""
        words = ["run", str(self.file), "--home", str(root), "--executor", self.executor]
        words += [word for assignment in self.assignments for word in ("--set", assignment)]
        words += [word for tag in self.tags for word in ("--tag", tag)]
        words += [] if self.owner is None else ["--owner", self.owner]
        return words + ([] if self.agent is None else ["--agent", self.agent])

    def environment(self) -> dict[str, str]:
        """Variables for the command."""
        given = {"GOLFSWEEP_DB": self.database, "GOLFSWEEP_FILES": self.files}
        return {name: value for name, value in given.items() if value is not None}


def begin_detached(run: DetachedRun, say: Callable[[str], None]) -> RunTicket:
    """Check a sweep file, its data, the home and this machine, then start its run in the background.

    Args:
        run: what to run.
        say: called with what a person should know of a script.

    Raises:
        InputError: the file or its data are wrong; nothing was started.
        AlreadyDriven: the sweep runs already.
    """
    check_names(run.tags, "--tag")
    check_names([name for name in (run.owner, run.agent) if name is not None], "--owner or --agent")
    spec = load_sweep(run.file, run.assignments)
    place = Workplace.open(run.root, run.database, run.files)
    try:
        place.claim_files()
        if ":" not in run.executor:  # a cluster's nodes have data, memory and interpreters of their own
            check_memory(spec)
            resolve(spec, place.home, environment.machine(), say)
        before, driver = last_ticket(spec.name, place.home), place.store.driver_of(spec.name)
        process = driver or (before if before is not None and before.is_alive() else None)
        if process is not None:
            where = f"process {process.pid} on {process.host}"
            raise AlreadyDriven(f"sweep {spec.name}: runs already, as {where}; wait with: {wait_command(spec.name)}")
        words, event = run.words(place.home.root), place.store.last_event()
        return start_detached(words, spec.name, place.home, run.environment(), event)
    except BaseException:
        place.remove_if_unused()
        raise
    finally:
        place.store.close()


def describe_ticket(ticket: RunTicket, home_options: str = "") -> dict[str, Any]:
    """A ticket as `golfsweep run --detach --json` prints it."""
    return {
        "ticket": ticket.ticket,
        "sweep": ticket.sweep,
        "pid": ticket.pid,
        "host": ticket.host,
        "log": ticket.log,
        "wait": f"{wait_command(ticket.sweep)} {home_options}".rstrip(),
    }


def wait_command(sweep: str) -> str:
    """The command that waits for a sweep; a sweep's name needs no quotes."""
    return f"golfsweep wait {sweep} --seconds {MOST_WAIT_SECONDS}"
