"""Following a sweep that another process drives, from the store alone."""

import time
from collections.abc import Callable, Iterator

from jobs.state import SweepState
from jobs.store import Store
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.views.submissions import listed_sweep, wait_of

LOOK_SECONDS = 1.0


def follow_sweep(name: str, store: Store, sleep: Callable[[float], None] = time.sleep) -> Iterator[Snapshot]:
    """How a sweep stands, look after look, until it is over or nobody drives it; at least once.

    Raises:
        InputError: another version of golfsweep wrote it.
        StoreUnavailable: the database does not answer.
    """
    spec, driver = None, None
    while True:
        is_driven = store.driver_of(name) is not None  # before its state: a driver ends the sweep, then leaves
        record = store.sweep(name)
        if record is None:
            return  # somebody removed it
        if driver is None or record.spec != spec:  # its file may be edited while it is followed
            spec, driver = record.spec, Sweep.from_json(record.spec).driver(store, read_only=True)
        yield driver.step()
        if record.state != SweepState.RUNNING or not is_driven:
            return
        sleep(LOOK_SECONDS)


def waiting(name: str, store: Store) -> str | None:
    """Why a sweep waits, e.g. "paused (paused by anna)"; None if it does not wait in the queue and is not paused."""
    is_driven = store.driver_of(name) is not None
    if (record := listed_sweep(name, store)) is None:
        return None
    waits = wait_of(record, store.submission(name), is_driven=is_driven)
    return None if waits is None else waits[0] + (f" ({waits[1]})" if waits[1] else "")


def await_turn(
    name: str, store: Store, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait as long as a sweep is queued or paused; `say` gets each reason.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    before = None
    while (reason := waiting(name, store)) is not None:
        if reason != before:
            say(f"{name}: {reason}; followed from its beginning. Ctrl-C ends the watching only.")
        before = reason
        sleep(LOOK_SECONDS)
