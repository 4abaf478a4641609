"""The store: what is to be done, what was done, and by whom. Everything else can die.

A job is here before it runs, and its result is here before it is reported. Of several schedulers on one store each job
is run by one: a claim lasts as long as the scheduler's heartbeat, then it is free again, and whoever lost it can no
longer write to the job (LostClaim). Every method is one short transaction; times are epoch seconds.

Each module here holds one topic: a class of the methods that callers see, and plain functions on a connection where
one transaction spans several topics. `jobs.database.tables` has the tables, `jobs.store.rows` what the methods
return and raise.
"""

from jobs.store.presence.drivers import Drivers
from jobs.store.presence.nodes import Nodes
from jobs.store.results.entries import Entries
from jobs.store.results.public_records import PublicRecords
from jobs.store.results.trials import Trials
from jobs.store.rows import (
    AttemptRecord,
    DriverRecord,
    EntryRecord,
    JobRecord,
    LostClaim,
    NodeRecord,
    OverBudget,
    SchedulerRecord,
    StoreAway,
    SweepRecord,
    Taken,
    TrialRecord,
)
from jobs.store.sweeps import Sweeps
from jobs.store.transactions import STALE_SECONDS
from jobs.store.work.attempts import Attempts
from jobs.store.work.cancelling import Cancelling
from jobs.store.work.claims import Claims
from jobs.store.work.jobs import Jobs
from jobs.store.work.losses import Losses
from jobs.store.work.summaries import Summaries

__all__ = [
    "STALE_SECONDS",
    "AttemptRecord",
    "DriverRecord",
    "EntryRecord",
    "JobRecord",
    "LostClaim",
    "NodeRecord",
    "OverBudget",
    "SchedulerRecord",
    "Store",
    "StoreAway",
    "SweepRecord",
    "Taken",
    "TrialRecord",
]


class Store(
    Sweeps, Jobs, Claims, Cancelling, Attempts, Losses, Summaries, Drivers, Nodes, Trials, Entries, PublicRecords
):
    """All topics on one database; open with `Store.open`."""
