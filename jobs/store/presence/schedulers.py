"""Schedulers: which are alive, and which cluster each one schedules."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, select

from jobs.database import tables
from jobs.database.engine import hold
from jobs.errors import AlreadyTaken
from jobs.state import AttemptState, EventKind
from jobs.store.event_log import record_event
from jobs.store.presence.liveness import Liveness
from jobs.store.rows import SchedulerRecord
from jobs.store.transactions import write_row
from jobs.store.work.accounts import elapsed

FORGOTTEN_SECONDS = 86400.0
"""Age of the last heartbeat from which on nobody asks about a scheduler any more."""


class Schedulers(Liveness):
    """Schedulers of a store."""

    def beat(self, scheduler: str, cluster: str = "", slots: int = 0, widest: int = 0) -> None:
        """Write a scheduler's heartbeat and how long its attempts have run; the first one makes it its cluster's.

        Args:
            scheduler: its name.
            cluster: what tells its cluster from others; "" is none, of which there may be many schedulers.
            slots: slots of the cluster.
            widest: slots of its largest node.

        Raises:
            AlreadyTaken: another one that is alive has the cluster; a scheduler that was silent for too long learns it
                here.
        """
        process = asdict(self.process)
        facts = {"cluster": cluster, "slots": slots, "widest": widest}
        with self._write() as connection:
            hold(connection, f"cluster {cluster}")
            others = [live for live in self._live_schedulers(connection) if live.name != scheduler]
            if cluster and (rival := next((other for other in others if other.cluster == cluster), None)):
                raise AlreadyTaken(f"{rival.name} schedules {cluster}")
            facts |= {"heartbeat": self._common_time(connection), "beat": self._ticks()}
            is_new = write_row(connection, tables.schedulers, {"name": scheduler}, process | facts)
            self._beat_attempts(connection, scheduler)
            if is_new:
                _forget_dead(connection, self._common_time(connection), [scheduler, *(live.name for live in others)])
                record_event(
                    connection, EventKind.SCHEDULER_STARTED, self._clock(), scheduler, cluster=cluster, owner=self.user
                )

    def forget_scheduler(self, scheduler: str) -> None:
        """A scheduler ends in good order; whatever it still holds is free at once."""
        table = tables.schedulers
        with self._write() as connection:
            if connection.execute(table.delete().where(table.c.name == scheduler)).rowcount:
                record_event(connection, EventKind.SCHEDULER_LEFT, self._clock(), scheduler)

    def live_schedulers(self) -> list[SchedulerRecord]:
        """Schedulers whose heartbeat is fresh and whose process, if it is of this machine, exists; for people."""
        with self._read() as connection:
            return self._live_schedulers(connection, shown=True)

    def _live_schedulers(self, connection: Connection, *, shown: bool = False) -> list[SchedulerRecord]:
        return [SchedulerRecord(**row) for row in self._live_rows(connection, tables.schedulers, shown=shown)]

    def _beat_attempts(self, connection: Connection, scheduler: str) -> None:
        """Write how long a scheduler's attempts have run: what they cost if nobody sees them end."""
        table = tables.attempts
        running = select(table.c.key).where(table.c.state == AttemptState.RUNNING, table.c.scheduler == scheduler)
        # Those that are just being ended are skipped: two transactions that lock several could wait for each other.
        free = running.with_for_update(skip_locked=True)
        this = table.c.key.in_(free) & (table.c.state == AttemptState.RUNNING)
        connection.execute(table.update().where(this).values(seconds=elapsed(self._ticks())))


def _forget_dead(connection: Connection, now: float, living: Sequence[str]) -> None:
    """Delete the rows of processes that died long ago without giving anything back, whatever the clock was set to."""
    table = tables.schedulers
    old = table.c.heartbeat < now - FORGOTTEN_SECONDS
    connection.execute(table.delete().where(old, table.c.name.not_in(living)))
