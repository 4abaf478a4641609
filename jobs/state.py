"""States of jobs, attempts and sweeps, which may follow which, and the kinds of event that report a change."""

from collections.abc import Mapping
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands; a job that is done stays so as long as its outputs can be read."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """How one try at a job went."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class SweepState(StrEnum):
    """State of a sweep. Schedulers claim jobs of running sweeps only; `golfsweep run` makes any sweep run."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    OVER_BUDGET = "over budget"


class SubmissionState(StrEnum):
    """State of a submitted version of a sweep's file."""

    QUEUED = "queued"
    """Waits for a process that takes submitted sweeps (`golfsweep run --queue`)."""
    TAKEN = "taken"
    """Such a process drives its sweep, or did until it fell silent; then another may take it."""
    BY_HAND = "by hand"
    """The process that was started with the file (`golfsweep run FILE`) drives its sweep, or did until it fell silent;
    then that command takes it up again, and others only once somebody resumes it."""
    PAUSED = "paused"
    ENDED = "ended"
    """Its sweep came to an end, it could not be run, or a later version of the file replaced it."""
    CANCELLED = "cancelled"


class Scope(StrEnum):
    """What a token of the service allows; each scope includes those before it."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether who has this scope may do what the other one allows."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class EventKind(StrEnum):
    """What an event reports. Progress of a running job is no event."""

    SWEEP_PUT = "sweep put"
    """Started, continued, or continued with an edited file."""
    SWEEP_ENDED = "sweep ended"
    SWEEP_CANCELLED = "sweep cancelled"
    SWEEP_TAGGED = "sweep tagged"
    SWEEP_SUBMITTED = "sweep submitted"
    """A version of its file waits to be driven."""
    SWEEP_PAUSED = "sweep paused"
    SWEEP_RESUMED = "sweep resumed"
    """It was paused, or had ended, and waits to be driven once more."""
    SWEEP_PRIORITIZED = "sweep prioritized"
    SUBMISSION_TAKEN = "submission taken"
    SUBMISSION_RETURNED = "submission returned"
    """Whoever took it gave it back before its sweep's end."""
    SUBMISSION_ENDED = "submission ended"
    JOB_REQUESTED = "job requested"
    """A sweep needs the job for the first time, or once more after it failed or was cancelled."""
    JOB_CLAIMED = "job claimed"
    """By a scheduler. Until the job starts, it may return the claim and claim the job once more, without an event."""
    ATTEMPT_STARTED = "attempt started"
    JOB_DONE = "job done"
    JOB_ATTACHED = "job attached"
    """Done without running: somebody gave its outputs."""
    JOB_FAILED = "job failed"
    JOB_REQUEUED = "job requeued"
    """The job waits once more: a failed attempt is retried, or its outputs were lost."""
    JOB_LOST = "job lost"
    """Its attempt ended without a result and without being at fault."""
    JOB_CANCELLED = "job cancelled"
    JOB_WITHDRAWN = "job withdrawn"
    """The sweep does not need it any more."""
    CONTENT_LOST = "content lost"
    CONTENT_DELETED = "content deleted"
    TRIAL_DRAWN = "trial drawn"
    TRIAL_REPORTED = "trial reported"
    ENTRY_WRITTEN = "entry written"
    ENTRY_REMOVED = "entry removed"
    ENTRY_WITHDRAWN = "entry withdrawn"
    """Its evidence was lost, made again, and came out differently."""
    DRIVER_STARTED = "driver started"
    DRIVER_LEFT = "driver left"
    SCHEDULER_STARTED = "scheduler started"
    SCHEDULER_LEFT = "scheduler left"
    NODE_QUARANTINED = "node quarantined"
    """Gets no more jobs: several failed there, it is too slow, doctor found it bad, or somebody drains it."""
    NODE_RETURNED = "node returned"
    BUDGET_REFUSED = "budget refused"
    RECORD_IMPORTED = "record imported"
    TOKEN_CREATED = "token created"
    TOKEN_REVOKED = "token revoked"
    SHARE_CREATED = "share created"
    SHARE_REVOKED = "share revoked"
    WEBHOOK_ADDED = "webhook added"
    WEBHOOK_REMOVED = "webhook removed"
    WEBHOOK_TESTED = "webhook tested"
    NOTICE_GIVEN_UP = "notice given up"
    """A webhook's receiver did not take it."""


class WebhookForm(StrEnum):
    """The form of what a webhook sends."""

    DISCORD = "discord"
    SLACK = "slack"
    GENERIC = "generic"
    """JSON with a signature."""


class NoticeKind(StrEnum):
    """What a webhook reports."""

    NEW_BEST = "new-best"
    """A sweep has a new best entry among those that are legal."""
    LEAKED_WINNER = "leaked-winner"
    """An entry that would lead is flagged."""
    JOB_FAILED = "job-failed"
    """For good: it is not retried."""
    NODE_QUARANTINED = "node-quarantined"
    NODE_IDLE = "node-idle"
    BUDGET = "budget"
    """Half, four fifths or all of a sweep's budget is spent."""
    SWEEP_DONE = "sweep-done"
    RECORD_MOVED = "record-moved"
    TEST = "test"
    """Somebody tests the webhook."""


FOLLOWS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.DONE, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}
"""The states that may follow each state. A failed or cancelled job can be requested once more; a finished job runs
once more only if its outputs are lost. A job that waits is done at once where its outputs are attached."""


def may_follow(before: JobState, after: JobState) -> bool:
    """Whether a job may go from one state to another."""
    return after in FOLLOWS[before]
