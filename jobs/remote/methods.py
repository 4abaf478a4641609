"""Which methods of the store travel over HTTP, the scope that each needs, and why a repeated request does no harm.

An answer can be lost on the way: the service has done what it was asked for, and the caller, who does not know, asks
once more. So each method that writes says here why that is safe; none needs a number of its own for each request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.state import Scope


@dataclass(frozen=True, slots=True)
class RemoteMethod:
    """How a method of the store may be called over HTTP."""

    scope: Scope
    repeatable: str
    """Why it does no harm that it happens twice, or later than its caller waited."""


READS = (
    "account", "are_done", "attempts", "attempts_at", "budget", "cancelled", "changed_jobs", "driver_of", "entries",
    "entries_needing", "events", "find_jobs", "job", "job_counts", "jobs", "keys_of_trial", "last_event",
    "last_submissions", "live_drivers", "live_schedulers", "nodes", "open_submissions", "overspent", "recently_done",
    "records", "running_attempts", "scheduler_of", "shards", "shares", "stage_counts", "still_ending", "submission",
    "submission_versions", "sweep", "sweeps", "sweeps_needing", "trials", "unneeded", "waiting_jobs",
)  # fmt: skip
_OF_ATTEMPT = "it is refused with LostClaim unless the attempt still runs, and writes the same once more if it does"
_ENDS_ATTEMPT = "the second is refused with LostClaim, because the first has ended the attempt"
_SAME_STATE = "the second finds what it would bring about"
WRITES: Mapping[str, str] = {
    "attach": "the second finds a job that is done, and leaves it",
    "beat": "a heartbeat more",
    "cancel_jobs": _SAME_STATE,
    "cancel_submission": _SAME_STATE,
    "cancel_sweep": "the second writes one more event",
    "claim": "what was claimed and never arrived is not among `holding`, so the next claim may take it",
    "confirm_ended": _SAME_STATE,
    "create_share": "the second makes one more link, which can be revoked",
    "end_sweep": _SAME_STATE,
    "fail": _ENDS_ATTEMPT,
    "finish": _ENDS_ATTEMPT,
    "forget_scheduler": _SAME_STATE,
    "lose_content": "the makers are queued already; a shard or checkpoint is dropped once",
    "pause_sweep": _SAME_STATE,
    "progress": _OF_ATTEMPT,
    "put_checkpoint": f"{_OF_ATTEMPT}; the file that was replaced stays until golfsweep gc",
    "put_job": "a job is written down once, however often it is ordered",
    "put_node": "the same verdict again",
    "put_record": "nothing has changed the second time",
    "put_shard": _OF_ATTEMPT,
    "release": "only jobs that the scheduler still holds; one that it has begun meanwhile is lost, and begins again",
    "reserve": _OF_ATTEMPT,
    "resume_sweep": _SAME_STATE,
    "revoke_share": _SAME_STATE,
    "set_priority": "the second writes one more event",
    "set_tags": "the second writes one more event",
    "start_attempt": "the second is refused with LostClaim, since the job runs; the scheduler then gives the job back",
    "tag": _SAME_STATE,
}
ADMIN_WRITES: Mapping[str, str] = {
    "add_webhook": "the second is refused, as the address has a webhook then",
    "remove_webhook": "the second is refused, as there is no such webhook then",
    "test_webhook": "the second sends one more notice",
}
METHODS: Mapping[str, RemoteMethod] = {
    **{name: RemoteMethod(Scope.READ, "it changes nothing") for name in READS},
    **{name: RemoteMethod(Scope.SUBMIT, why) for name, why in WRITES.items()},
    **{name: RemoteMethod(Scope.ADMIN, why) for name, why in ADMIN_WRITES.items()},
    **{name: RemoteMethod(Scope.ADMIN, "it changes nothing") for name in ("tokens", "webhooks")},
}
MOST_ITEMS = 1000
"""Of a list in one answer, of methods with a `limit`."""
PAGED: Mapping[str, Callable[[Any], Any]] = {"jobs": lambda job: job.key, "trials": lambda trial: trial.number}
"""Methods whose lists may have any length → an item's cursor, for `after`; callers get all pages as one list."""
_DRIVES = "whoever drives a sweep decides what its results are, and works on the database itself"
_MAINTAINS = "the database and its contents are maintained where they are"
_CHECKED = "POST /api/v1/sweeps checks the file first"
_ADMIN = "POST /api/v1/cluster/drain and restore, for administrators"
_SENDS = "a service with the database sends notices"
_TOKENS = "tokens are made and checked where the database is"
NOT_REMOTE: Mapping[str, str] = {
    "add_entry": _DRIVES,
    "create_token": _TOKENS,
    "drain_node": _ADMIN,
    "drive": _DRIVES,
    "due_deliveries": _SENDS,
    "end_submission": _DRIVES,
    "file_store": _MAINTAINS,
    "find_share": _TOKENS,
    "find_token": _TOKENS,
    "finished_jobs": _MAINTAINS,
    "forget_contents": _MAINTAINS,
    "known_contents": _MAINTAINS,
    "knows_content": _MAINTAINS,
    "leave_notices": _SENDS,
    "note_delivered": _SENDS,
    "note_failed": _SENDS,
    "notice_watch": _SENDS,
    "put_entries": _DRIVES,
    "put_notices": _SENDS,
    "put_sweep": _DRIVES,
    "put_trial": _DRIVES,
    "record_file_store": _MAINTAINS,
    "report_deleted": _MAINTAINS,
    "restore_node": _ADMIN,
    "return_submission": _DRIVES,
    "revoke_token": _TOKENS,
    "stop_driving": _DRIVES,
    "submit": _CHECKED,
    "take_notices": _SENDS,
    "take_by_hand": _DRIVES,
    "take_submission": _DRIVES,
    "withdraw": _DRIVES,
}
"""Methods that need the database, and why."""
