"""A driver's lease on its sweep: a single process drives a sweep, on any machine, as long as its heartbeat goes on."""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from cluster.scheduling.heartbeat import Heartbeat
from jobs.errors import AlreadyDriven, StoreUnavailable
from jobs.store import STALE_SECONDS, Store

RENEW_SECONDS = 5.0
LOOK_SECONDS = 1.0
"""Between two looks at the heartbeat of a driver on another machine."""


class DriverLease:
    """The lease on one sweep; use as a context.

    Raises (on entering): AlreadyDriven if another process drives the sweep. For one of another machine entering waits,
    up to STALE_SECONDS, until it shows whether that is alive.
    """

    def __init__(self, store: Store, sweep: str, driver: str, cluster: str, say: Callable[[str], None]) -> None:
        """`say` gets a line if entering has to wait."""
        self._store, self._sweep, self._driver, self._cluster, self._say = store, sweep, driver, cluster, say
        self._heartbeat = Heartbeat(self._beat)  # beside the driver's work, which may wait for a slow disk
        self._renewed = -RENEW_SECONDS

    def __enter__(self) -> "DriverLease":
        self._take()
        self._heartbeat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.__exit__(kind, error, trace)
        with suppress(StoreUnavailable):  # then the lease lapses by itself
            self._store.stop_driving(self._sweep, self._driver)

    def renew(self) -> None:
        """Say that the driver's work goes on; call it at every step.

        Raises:
            LostLease: another process has taken over.
            StoreUnavailable: the database does not answer; a lease that lapses meanwhile may be renewed afterwards.
        """
        self._heartbeat.working()
        if self._heartbeat.failure is not None or time.monotonic() - self._renewed >= RENEW_SECONDS:
            self._beat()

    def _take(self) -> None:
        waits = False
        while True:
            try:
                return self._beat()
            except AlreadyDriven as refusal:
                if refusal.certain:
                    raise
                if not waits:
                    self._say(f"{refusal.error}; waiting up to {STALE_SECONDS:.0f} s for a heartbeat of that process.")
                waits = True
                time.sleep(LOOK_SECONDS)

    def _beat(self) -> None:
        self._store.drive(self._sweep, self._driver, self._cluster)
        self._renewed = time.monotonic()
