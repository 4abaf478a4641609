"""Following a sweep that another process drives, from the store alone."""

import time
from collections.abc import Callable, Iterator

from jobs.state import SweepState
from jobs.store import Store
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep

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
