"""Submitted sweeps beside those that were begun: how each stands, and what would start one that waits."""

from typing import Any

from jobs.state import SubmissionState, SweepState
from jobs.store import Store, SubmissionRecord, SweepRecord
from sweeps.spec.reading import parse_toml

NO_DRIVER = "no driver; golfsweep run --queue on this database starts it"
OPENING = "its driver is opening it"
QUEUED, PAUSED = "queued", "paused"
"""States of a sweep that was submitted, beside those of jobs.state.SweepState."""


def listed_sweeps(store: Store) -> list[SweepRecord]:
    """All sweeps, the oldest first, those among them that were submitted and that nobody has begun yet."""
    begun = store.sweeps()
    known = {record.name for record in begun}
    waiting = [stand_in(record) for record in store.last_submissions() if record.sweep not in known]
    return sorted([*begun, *waiting], key=lambda record: record.created)


def listed_sweep(name: str, store: Store) -> SweepRecord | None:
    """One of them by name."""
    if (begun := store.sweep(name)) is not None:
        return begun
    submission = store.submission(name)
    return None if submission is None else stand_in(submission)


def stand_in(submission: SubmissionRecord) -> SweepRecord:
    """A record in place of that of a sweep that nobody has begun: the file alone is known of it."""
    states = {SubmissionState.ENDED: SweepState.STOPPED.value, SubmissionState.CANCELLED: SweepState.CANCELLED.value}
    file = {**parse_toml(submission.file.encode(), submission.sweep), "name": submission.sweep}
    return SweepRecord(
        name=submission.sweep,
        spec={"file": file},
        created=submission.created,
        state=states.get(SubmissionState(submission.state), QUEUED),
        reason=submission.reason,
        budget=None,
        spent_hours=0.0,
        owner=submission.owner,
        tags=submission.tags,
    )


def wait_of(
    sweep: SweepRecord, submission: SubmissionRecord | None, *, is_driven: bool
) -> tuple[str, str | None] | None:
    """The state and reason of a sweep that waits because of its submission; None if it does not.

    Args:
        sweep: or what stands in for it.
        submission: its latest version.
        is_driven: whether a live process has its lease.
    """
    if submission is None or (is_driven and sweep.state == SweepState.RUNNING):
        return None
    if submission.state == SubmissionState.PAUSED:
        return PAUSED, submission.reason
    if submission.state not in (SubmissionState.QUEUED, SubmissionState.TAKEN):
        return None
    if is_driven:
        return QUEUED, OPENING
    return QUEUED, f"{NO_DRIVER} ({submission.reason})" if submission.reason else NO_DRIVER


def submission_document(submission: SubmissionRecord | None) -> dict[str, Any] | None:
    """What a sweep's status says of its submission; None for a sweep whose file is not in the database."""
    if submission is None:
        return None
    names = ("ticket", "version", "state", "reason", "priority", "owner", "agent")
    return {name: getattr(submission, name) for name in names}
