"""What people decide about sweeps and jobs: cancel, pause, resume, retry, seeds, priority, tags."""

from collections.abc import Sequence
from dataclasses import dataclass

from golf.errors import shown_name
from jobs.budget import Budget
from jobs.errors import WrongState
from jobs.state import JobState, SubmissionState, SweepState
from jobs.store import JobRecord, Store, SubmissionRecord, Submitted, SubmittedContent
from jobs.store.submissions import NOT_SUBMITTED
from sweeps.entries.facts import SweepFacts
from sweeps.spec.checks.names import check_names
from sweeps.web.actions.checking import check_file

FINISHED = (SweepState.DONE, SweepState.FAILED, SweepState.CANCELLED)
"""States of a sweep in which nothing of it is left to cancel."""
AGAIN = (JobState.FAILED, JobState.CANCELLED)
"""States of a job that may be queued again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedPlan:
    """Fresh seeds for the entries of a sweep, and about what they cost."""

    seeds: Sequence[int]
    slot_hours: float | None
    """None where no entry has been measured yet."""
    dollars: float | None
    """None without a price, too."""
    content: SubmittedContent
    """The version of the sweep that has them."""
    priority: int


def cancel_sweep(name: str, store: Store) -> int:
    """Cancel a sweep, begun or waiting; returns how many jobs were open. One that is cancelled already stays so.

    Raises:
        WrongState: it has come to its end.
    """
    begun = store.sweep(name)
    if begun is not None and begun.state not in FINISHED:
        return len(store.cancel_sweep(name))
    if store.cancel_submission(name) or begun is None or begun.state == SweepState.CANCELLED:
        return 0
    raise WrongState(f"sweep {shown_name(name)}: is {begun.state}; there is nothing to cancel")


def retry_sweep(name: str, store: Store) -> list[JobRecord]:
    """Queue the failed jobs of a sweep again, and let the sweep be driven once more if it has ended.

    Those of trials that the search counts as failed stay so: later trials were drawn by that.
    """
    jobs = _queue_again(name, store.jobs(name, [JobState.FAILED]), store)
    _drive_again(name, store)
    return jobs


def cancel_job(job: JobRecord, store: Store) -> None:
    """Cancel one job.

    Raises:
        WrongState: it has ended, or another sweep that runs needs it.
    """
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        raise WrongState(f"job {job.key[:12]}: is {job.state}; only one that waits or runs is cancelled")
    if not store.cancel_jobs(job.order.sweep, [job.key]):
        raise WrongState(f"job {job.key[:12]}: another sweep that runs needs it, or it has ended; it stays as it is")


def retry_job(job: JobRecord, store: Store) -> None:
    """Queue a job again that failed or was cancelled.

    Raises:
        WrongState: it is in another state, or of a trial that the search counts as failed.
    """
    if job.state not in AGAIN:
        raise WrongState(f"job {job.key[:12]}: is {job.state}; only one that failed or was cancelled runs again")
    if not _queue_again(job.order.sweep, [job], store):
        raise WrongState(
            f"job {job.key[:12]}: its trial counts as failed, and later trials were drawn by that; it stays as it is"
        )
    _drive_again(job.order.sweep, store)


def plan_seeds(name: str, count: int, store: Store) -> SeedPlan:
    """Fresh seeds for all entries that are measured on the seeds of `seeds.confirm`.

    Raises:
        WrongState: there is no file of the sweep.
        InputError: its file cannot have more seeds.
        HTTPException: too many files are being checked.
    """
    record = required(name, store)
    kept = [each for each in record.assignments if each.partition("=")[0].strip() != "seeds.confirm"]
    facts = check_file(record.file, record.assignments, record.files, more_seeds=count)
    assignments = (*kept, f"seeds.confirm={facts['confirm']}")
    begun, hours = store.sweep(name), _hours_of_a_seed(name, facts["confirm"], store)
    budget = Budget(**(begun.budget or {})) if begun is not None else Budget()
    slot_hours = None if hours is None else count * hours
    return SeedPlan(
        seeds=facts["confirm"][-count:],
        slot_hours=slot_hours,
        dollars=None if slot_hours is None else budget.cost(slot_hours),
        content=SubmittedContent(file=record.file, assignments=assignments, files=record.files),
        priority=record.priority,
    )


def add_seeds(name: str, plan: SeedPlan, store: Store) -> Submitted:
    """Submit the version of a sweep that has more seeds; jobs on the seeds before are kept."""
    record = required(name, store)
    return store.submit(name, plan.content, agent=record.agent, tags=record.tags, priority=plan.priority)


def set_tags(name: str, tags: Sequence[str], store: Store) -> None:
    """Have a sweep carry these tags and no others.

    Raises:
        InputError: one of them is no name.
    """
    check_names(tags, "tags")
    store.set_tags(name, tags)


def required(name: str, store: Store) -> SubmissionRecord:
    """The latest version of a sweep.

    Raises:
        WrongState: there is no file of it.
    """
    if (record := store.submission(name)) is None:
        raise WrongState(f"sweep {shown_name(name)}: {NOT_SUBMITTED}")
    return record


def _queue_again(name: str, jobs: Sequence[JobRecord], store: Store) -> list[JobRecord]:
    """Queue those of some jobs again that something still needs."""
    if not jobs or (begun := store.sweep(name)) is None:
        return []
    search = SweepFacts.of(begun).search
    states = {} if search is None else {trial.number: trial.state for trial in store.trials(name, search)}
    reported = {number for number, state in states.items() if state in ("failed", "infeasible")}

    def is_needed(job: JobRecord) -> bool:
        return any(trial not in reported for trial in job.needed_by.values()) or not job.needed_by

    return [store.put_job(job.order) for job in jobs if is_needed(job) and not job.is_usable]


def _drive_again(name: str, store: Store) -> None:
    """Let a sweep be driven once more, unless somebody has paused it, or it is done."""
    record, begun = store.submission(name), store.sweep(name)
    is_over = record is not None and record.state in (SubmissionState.ENDED, SubmissionState.CANCELLED)
    if is_over and (begun is None or begun.state != SweepState.DONE):
        store.resume_sweep(name)


def _hours_of_a_seed(name: str, seeds: Sequence[int], store: Store) -> float | None:
    """Slot-hours of all finished jobs on one of some seeds, on average; None where there are none."""
    hours: dict[int, float] = {}
    for job in store.jobs(name, [JobState.DONE]):
        seed = job.order.job.seed
        if seed in seeds and job.seconds is not None:
            hours[seed] = hours.get(seed, 0.0) + job.seconds * job.order.slots / 3600
    return sum(hours.values()) / len(hours) if hours else None
