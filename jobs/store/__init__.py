"""The store: what is to be done, what was done, and by whom. Everything else can die.

A job is here before it runs, and its result is here before it is reported. Of several schedulers on one store each job
is run by one: a claim lasts as long as the scheduler's heartbeat, then it is free again, and whoever lost it can no
longer write to the job (LostClaim). Every method is one short transaction; times are epoch seconds.

Each module here holds one topic: a class of the methods that callers see, and plain functions on a connection where
one transaction spans several topics. `jobs.tables` has the tables, `jobs.rows` what the methods return and raise.
"""

from jobs.rows import (
    AttemptRecord,
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
from jobs.store.attempts import Attempts
from jobs.store.cancelling import Cancelling
from jobs.store.claims import Claims
from jobs.store.jobs import Jobs
from jobs.store.losses import Losses
from jobs.store.nodes import Nodes
from jobs.store.public_records import PublicRecords
from jobs.store.sweeps import Sweeps
from jobs.store.transactions import STALE_SECONDS
from jobs.store.trials import Trials

__all__ = [
    "STALE_SECONDS",
    "AttemptRecord",
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


class Store(Sweeps, Jobs, Claims, Cancelling, Attempts, Losses, Nodes, Trials, PublicRecords):
    """All topics on one database; open with `Store.open`."""
