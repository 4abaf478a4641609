"""The store: what is to be done, what was done, and by whom. Any process can die without losing more than its own work.

A job is here before it runs, and its result is here before it is reported. Of several schedulers on one store one runs
each job: a claim lasts as long as the scheduler's heartbeat, then it is free, and a scheduler that lost it can no
longer write to the job (LostClaim). Likewise one driver has the lease on each sweep (LostLease). Every method is one
short transaction, which also writes the events that report it. Times are epoch seconds, for people; durations are by
monotonic clocks (`jobs.machine.clock`).

Each module here holds one topic: a class of the methods that callers see, and plain functions on a connection where
one transaction spans several topics. `jobs.database.tables` has the tables, `jobs.store.rows` what the methods
return, `jobs.errors` what they raise.
"""

from jobs.errors import AlreadyDriven, AlreadyTaken, LostClaim, LostLease, OverBudget, StoreUnavailable
from jobs.store.access.shares import NewShare, Shares
from jobs.store.access.tokens import Tokens
from jobs.store.decisions import SubmissionDecisions
from jobs.store.notices.outbox import Outbox
from jobs.store.notices.rows import Delivery, NewWebhook, Notice, NoticeWatch, WebhookRecord
from jobs.store.notices.webhooks import Webhooks
from jobs.store.presence.drivers import Drivers
from jobs.store.presence.nodes import Nodes
from jobs.store.results.entries import Entries
from jobs.store.results.events import Events
from jobs.store.results.public_records import PublicRecords
from jobs.store.results.trials import Trials
from jobs.store.rows import (
    AttemptRecord,
    DriverRecord,
    EntryRecord,
    EventRecord,
    FileStoreRecord,
    JobRecord,
    NodeRecord,
    RunningAttempt,
    SchedulerRecord,
    ShareRecord,
    SubmissionRecord,
    SweepRecord,
    TokenRecord,
    TrialRecord,
    WaitingJobs,
)
from jobs.store.submissions import Submitted, SubmittedContent
from jobs.store.sweeps import Sweeps
from jobs.store.transactions import STALE_SECONDS
from jobs.store.work.attaching import Attaching
from jobs.store.work.attempts import Attempts
from jobs.store.work.cancelling import Cancelling
from jobs.store.work.claims import Claims
from jobs.store.work.file_stores import FileStores
from jobs.store.work.garbage import Garbage
from jobs.store.work.jobs import Jobs
from jobs.store.work.losses import Losses
from jobs.store.work.needs import JobNeeds, TrialKeys
from jobs.store.work.occupancy import Occupancy
from jobs.store.work.summaries import Summaries

__all__ = [
    "STALE_SECONDS",
    "AlreadyDriven",
    "AlreadyTaken",
    "AttemptRecord",
    "Delivery",
    "DriverRecord",
    "EntryRecord",
    "EventRecord",
    "FileStoreRecord",
    "JobRecord",
    "LostClaim",
    "LostLease",
    "NewShare",
    "NewWebhook",
    "NodeRecord",
    "Notice",
    "NoticeWatch",
    "OverBudget",
    "RunningAttempt",
    "SchedulerRecord",
    "ShareRecord",
    "Store",
    "StoreUnavailable",
    "SubmissionRecord",
    "Submitted",
    "SubmittedContent",
    "SweepRecord",
    "TokenRecord",
    "TrialKeys",
    "TrialRecord",
    "WaitingJobs",
    "WebhookRecord",
]


class Store(
    Sweeps, Jobs, Claims, Cancelling, Attempts, Attaching, Losses, JobNeeds, Garbage, FileStores, Summaries, Occupancy,
    SubmissionDecisions, Drivers, Nodes, Trials, Entries, Events, PublicRecords, Tokens, Shares, Webhooks, Outbox,
):  # fmt: skip
    """All topics on one database; open with `Store.open`."""
