"""Helping with a sweep that a process on another machine drives: the slots of this machine run jobs of it, too."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from jobs.errors import NotReady, StoreUnavailable
from jobs.machine import stopping
from jobs.machine.host import identity
from jobs.scripts.place import SETUPS
from jobs.scripts.preflight import Preflight, check_node
from jobs.state import SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.patience import Patience
from sweeps.run.roles import Scheduling
from sweeps.spec.script.kind import ScriptKind

STEP_SECONDS = 0.5
JUDGED = (SweepState.DONE, SweepState.FAILED)
"""States of a sweep that came to its end; it was ended before that in any other but RUNNING."""


def is_driven_elsewhere(store: Store, sweep: str, cluster: str) -> bool:
    """Whether a process on another machine drives a sweep and schedules another cluster, so that ours may help."""
    driver = store.driver_of(sweep)
    return driver is not None and driver.host != identity() and driver.cluster != cluster


def help_sweep(
    name: str,
    store: Store,
    check: Callable[[Sweep], None],
    open_part: Callable[[int], Scheduling],
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
) -> Snapshot | None:
    """Run jobs of a sweep until its driver has ended it.

    Args:
        name: the sweep.
        store: where its jobs are.
        check: called with the sweep before any of its jobs is taken; raises if none of them can run here.
        open_part: this process's part in scheduling the cluster that is given, for jobs of so many slots.
        show: called at every step with the state of the sweep.
        say: called with what else a person should know.

    Returns:
        How the sweep ended; None if its driver is gone and the sweep is not over, so that another may drive it.

    Raises:
        InputError: another version of golfsweep drives it, or what `check` raises.
        StoreUnavailable: the database or the file store did not answer for `sweeps.run.patience.AWAY_SECONDS`.
    """
    outage, part = Patience(say), None
    began = useless = False
    while True:
        stopping.raise_if_stopped()
        try:
            driven, record = store.driver_of(name) is not None, store.sweep(name)  # in this order: it ends, then leaves
            is_running = record is not None and record.state == SweepState.RUNNING
            if record is None or not (is_running or began):  # of an earlier run; its driver has yet to begin
                if not driven:
                    return None
                time.sleep(STEP_SECONDS)
                continue
            sweep = Sweep.from_json(record.spec)
            snapshot = sweep.driver(store, read_only=True).step()
            if not is_running:
                ended = None if record.state in JUDGED else ": ".join(filter(None, (record.state, record.reason)))
                return replace(snapshot, ended=ended)
            if not driven:
                return None
            if not began:
                say(f'Another machine drives sweep "{name}"; this one runs jobs of it until it is done.')
                check(sweep)
            began = True
            part = open_part(sweep.widest())
            slots, _ = part.slots(sweep.machine)
            if part.schedules and not slots and not useless:
                useless = True
                say(f"No job of it can run here: they need slots of class {sweep.machine.device}.")
            show(snapshot, None)
            part.step(STEP_SECONDS)
            outage.end()
        except StoreUnavailable as error:
            outage.wait(error, time.sleep if part is None else part.wait)


def check_machine(sweep: Sweep, place: Workplace) -> None:
    """Set this machine up for a sweep's script, as the first of its jobs would.

    Raises:
        NotReady: it lacks a module or program, or its interpreter is not that of the sweep's other jobs.
    """
    kind, code = sweep.spec.kind, sweep.code
    if not isinstance(kind, ScriptKind) or code is None:
        return
    section = kind.tables.script
    file = section.file.rpartition("/")[2]
    for version in code.versions.values():
        digests = {file: version.script, **version.files}
        preflight = Preflight(
            file=file,
            python=section.python or sys.executable,
            contents={name: place.files.get(digest) for name, digest in digests.items()},
            setup=section.setup,
            needs=section.needs,
            passed=section.passed,
            runtime=code.runtime,
        )
        if problems := check_node(preflight, place.home.root / SETUPS, os.environ).problems:
            raise NotReady(*problems)
