"""Drivers: one a sweep, by a lease that lapses when its heartbeat stops."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import AlreadyDriven
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.presence.schedulers import Schedulers
from jobs.store.rows import DriverRecord, SchedulerRecord
from jobs.store.transactions import write_row


class Drivers(Schedulers):
    """Drivers of a store's sweeps.

    As long as this process has a lease, whatever it writes of that sweep (its definition, jobs, trials, end) is refused
    with LostLease once another process has taken the lease over.
    """

    def drive(self, sweep: str, driver: str, cluster: str) -> None:
        """Take the lease on a sweep, or write its heartbeat: call it every few seconds.

        A lease that lapsed while the database was unavailable is renewed unless another process has taken it.

        Args:
            sweep: its name.
            driver: a name that no other driver has.
            cluster: the cluster that runs its jobs.

        Raises:
            AlreadyDriven: another process has the lease, and is not known to be dead. Of one on another machine that is
                certain after repeated calls for STALE_SECONDS at most.
            LostLease: this process had it, and another one has taken it over.
        """
        with self._write() as connection:
            hold(connection, f"driver of {sweep}")
            if self._leases.get(sweep) == driver:
                self._check_lease(connection, sweep)
                heartbeat = {"heartbeat": self._common_time(connection), "beat": self._ticks()}
                connection.execute(tables.drivers.update().where(tables.drivers.c.sweep == sweep), heartbeat)
                return
            rival = self._live_driver(connection, sweep)
            if rival is not None and rival.name != driver:
                raise AlreadyDriven(
                    f'sweep "{sweep}" is already driven by process {rival.pid} on {rival.host}; '
                    f'"golfsweep status {sweep}" shows its progress',
                    certain=rival.host == self.process.host
                    or self._watched[tables.drivers.name][rival.name, sweep].has_changed,
                )
            if rival is None:  # else the answer to an earlier call was lost on the way
                self._take(connection, sweep, driver, cluster)
        self._leases[sweep] = driver

    def stop_driving(self, sweep: str, driver: str) -> None:
        """Give a lease back, so that another process may drive the sweep at once; no error if it is another's."""
        self._leases.pop(sweep, None)
        table = tables.drivers
        with self._write() as connection:
            this_row = (table.c.sweep == sweep) & (table.c.name == driver)
            if connection.execute(table.delete().where(this_row)).rowcount:
                record_event(connection, EventKind.DRIVER_LEFT, self._clock(), driver, sweep=sweep)

    def live_drivers(self) -> list[DriverRecord]:
        """Drivers whose heartbeat is fresh and whose process, if it is of this machine, exists; for people."""
        with self._read() as connection:
            return [DriverRecord(**row) for row in self._live_rows(connection, tables.drivers, shown=True)]

    def driver_of(self, sweep: str) -> DriverRecord | None:
        """The live driver of a sweep; for people."""
        with self._read() as connection:
            return self._live_driver(connection, sweep, shown=True)

    def scheduler_of(self, sweep: str) -> SchedulerRecord | None:
        """The live scheduler of the cluster on which a sweep's live driver runs its jobs; for people."""
        with self._read() as connection:
            driver = self._live_driver(connection, sweep, shown=True)
            live = [] if driver is None else self._live_schedulers(connection, shown=True)
            return next(
                (scheduler for scheduler in live if driver is not None and scheduler.cluster == driver.cluster), None
            )

    def _live_driver(self, connection: Connection, sweep: str, *, shown: bool = False) -> DriverRecord | None:
        rows = self._live_rows(connection, tables.drivers, shown=shown)
        return next((DriverRecord(**row) for row in rows if row["sweep"] == sweep), None)

    def _take(self, connection: Connection, sweep: str, driver: str, cluster: str) -> None:
        """Write a new lease in place of one that lapsed, if there is any."""
        now, detail = self._common_time(connection), {"cluster": cluster, **asdict(self.process)}
        before = select(tables.drivers.c.name).where(tables.drivers.c.sweep == sweep)
        if (lapsed := connection.execute(before).scalar()) is not None:
            record_event(connection, EventKind.DRIVER_LEFT, self._clock(), lapsed, sweep=sweep, reason="fell silent")
        values: dict[str, Any] = {"name": driver, **detail, "since": now, "heartbeat": now, "beat": self._ticks()}
        write_row(connection, tables.drivers, {"sweep": sweep}, values)
        record_event(connection, EventKind.DRIVER_STARTED, self._clock(), driver, sweep=sweep, **detail)
