"""A driver's lease on its sweep: a single process drives a sweep, on any machine, as long as its heartbeat goes on."""

import time
from contextlib import suppress
from types import TracebackType

from cluster.scheduling.heartbeat import Heartbeat
from jobs.errors import StoreUnavailable
from jobs.store import Store

RENEW_SECONDS = 5.0


class DriverLease:
    """The lease on one sweep; use as a context.

    Raises (on entering): AlreadyDriven if another process drives the sweep.
    """

    def __init__(self, store: Store, sweep: str, driver: str, cluster: str) -> None:
        self._store, self._sweep, self._driver, self._cluster = store, sweep, driver, cluster
        self._heartbeat = Heartbeat(self._beat)  # beside the driver's work, which may wait for a slow disk
        self._renewed = -RENEW_SECONDS

    def __enter__(self) -> "DriverLease":
        self._beat()
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
        if time.monotonic() - self._renewed >= RENEW_SECONDS:
            self._beat()

    def _beat(self) -> None:
        self._store.drive(self._sweep, self._driver, self._cluster)
        self._renewed = time.monotonic()
