"""What a driver needs of a store. The database's `jobs.store.Store` has it, and so has the store of a dry run."""

from collections.abc import Collection, Iterable
from typing import Protocol

from jobs.spec import Order
from jobs.state import JobState
from jobs.store import JobRecord, SweepRecord, TrialRecord


class DriverStore(Protocol):
    """Jobs and trials of sweeps; `jobs.store.Store` documents each method."""

    def sweep(self, name: str) -> SweepRecord | None: ...

    def jobs(
        self,
        sweep: str | None = None,
        states: Iterable[JobState] | None = None,
        keys: Collection[str] | None = None,
    ) -> list[JobRecord]: ...

    def job(self, key: str) -> JobRecord | None: ...

    def put_job(self, order: Order) -> JobRecord: ...

    def add_entry(self, order: Order) -> JobRecord: ...

    def trials(self, sweep: str, search: str) -> list[TrialRecord]: ...

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None: ...

    def last_event(self) -> int: ...

    def changed_jobs(self, sweep: str, after: int) -> tuple[int, set[str]]: ...
