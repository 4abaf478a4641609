"""Deciding about sweeps and jobs: cancel, pause, resume, retry, more seeds, priority, tags."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from jobs.store import JobRecord, Store
from jobs.workplace import Workplace
from sweeps.views.status import state_of
from sweeps.web.actions import deciding
from sweeps.web.api.parameters import ActingStore, HomePlace, KeyPath, SweepPath, require_sweep
from sweeps.web.api.submissions import MOST_TAGS, SubmissionView, Tag, view_of
from sweeps.web.problems import NotFound, declare

router = APIRouter(tags=["control"])
MOST_SEEDS = 100
"""Added at once."""
Priority = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class SweepStanding(BaseModel):
    """How a sweep stands after what was decided."""

    name: str
    state: str
    reason: str | None
    tags: list[str]
    priority: int | None = Field(description="Null for a sweep whose file is not in the database.")
    jobs: int = Field(default=0, description="Jobs that were cancelled or queued again.")


class JobStanding(BaseModel):
    """How a job stands after what was decided."""

    key: str
    state: str
    reason: str | None


class MoreSeeds(BaseModel):
    """How many fresh seeds the entries of a sweep get."""

    model_config = ConfigDict(extra="forbid")
    add: int = Field(ge=1, le=MOST_SEEDS)
    dry: bool = Field(default=False, description="Only say which, and about what they cost.")


class SeedsAnswer(BaseModel):
    """Fresh seeds and about their price; the submission that has them, unless that was not asked for."""

    seeds: list[int]
    slot_hours: float | None = Field(description="Of all of them; null where no entry has been measured yet.")
    dollars: float | None
    submission: SubmissionView | None


class NewPriority(BaseModel):
    """What the sweep's jobs have from now on; higher goes first."""

    model_config = ConfigDict(extra="forbid")
    priority: Priority


class NewTags(BaseModel):
    """The tags that a sweep has from now on."""

    model_config = ConfigDict(extra="forbid")
    tags: list[Tag] = Field(max_length=MOST_TAGS)


@router.post("/sweeps/{name}/cancel", responses=declare(404, 409, 422))
def cancel_sweep(name: SweepPath, place: HomePlace, store: ActingStore) -> SweepStanding:
    """End a sweep and its open jobs, or its wait; what has finished is kept."""
    require_sweep(name, place)
    return _standing(name, place, store, deciding.cancel_sweep(name, store))


@router.post("/sweeps/{name}/pause", responses=declare(404, 409, 422))
def pause_sweep(name: SweepPath, place: HomePlace, store: ActingStore) -> SweepStanding:
    """Stop a sweep until it is resumed; what has finished is kept."""
    require_sweep(name, place)
    store.pause_sweep(name)
    return _standing(name, place, store)


@router.post("/sweeps/{name}/resume", responses=declare(404, 409, 422))
def resume_sweep(name: SweepPath, place: HomePlace, store: ActingStore) -> SweepStanding:
    """Let a sweep go on that was paused or cancelled, or that ended before it was done."""
    require_sweep(name, place)
    store.resume_sweep(name)
    return _standing(name, place, store)


@router.post("/sweeps/{name}/retry", responses=declare(404, 409, 422))
def retry_sweep(name: SweepPath, place: HomePlace, store: ActingStore) -> SweepStanding:
    """Queue the failed jobs of a sweep again."""
    require_sweep(name, place)
    return _standing(name, place, store, len(deciding.retry_sweep(name, store)))


@router.post("/sweeps/{name}/seeds", responses=declare(404, 409, 422))
def add_seeds(name: SweepPath, body: MoreSeeds, place: HomePlace, store: ActingStore) -> SeedsAnswer:
    """Measure all entries on fresh seeds, too: a new version of the file, which keeps all that is finished."""
    require_sweep(name, place)
    plan = deciding.plan_seeds(name, body.add, store)
    submission = None if body.dry else view_of(deciding.add_seeds(name, plan, store).record)
    return SeedsAnswer(seeds=list(plan.seeds), slot_hours=plan.slot_hours, dollars=plan.dollars, submission=submission)


@router.put("/sweeps/{name}/priority", responses=declare(404, 409, 422))
def put_priority(name: SweepPath, body: NewPriority, place: HomePlace, store: ActingStore) -> SweepStanding:
    """Have the jobs of a sweep go before, or after, those of others."""
    require_sweep(name, place)
    store.set_priority(name, body.priority)
    return _standing(name, place, store)


@router.put("/sweeps/{name}/tags", responses=declare(404, 422))
def put_tags(name: SweepPath, body: NewTags, place: HomePlace, store: ActingStore) -> SweepStanding:
    """Have a sweep carry these tags and no others."""
    require_sweep(name, place)
    deciding.set_tags(name, body.tags, store)
    return _standing(name, place, store)


@router.post("/jobs/{key}/cancel", responses=declare(404, 409, 422))
def cancel_job(key: KeyPath, place: HomePlace, store: ActingStore) -> JobStanding:
    """End one job, unless another sweep that runs needs it."""
    deciding.cancel_job(require_job(key, place), store)
    return _job_standing(key, place)


@router.post("/jobs/{key}/retry", responses=declare(404, 409, 422))
def retry_job(key: KeyPath, place: HomePlace, store: ActingStore) -> JobStanding:
    """Queue a job again that failed or was cancelled."""
    deciding.retry_job(require_job(key, place), store)
    return _job_standing(key, place)


def require_job(key: str, place: Workplace) -> JobRecord:
    """A job.

    Raises:
        NotFound: there is none of that key.
    """
    if (job := place.store.job(key)) is None:
        raise NotFound("no job has this key")
    return job


def _standing(name: str, place: Workplace, store: Store, jobs: int = 0) -> SweepStanding:
    state, submission = state_of(require_sweep(name, place), store), store.submission(name)
    return SweepStanding(
        name=name,
        state=state["state"],
        reason=state["reason"],
        tags=state["tags"],
        priority=None if submission is None else submission.priority,
        jobs=jobs,
    )


def _job_standing(key: str, place: Workplace) -> JobStanding:
    job = require_job(key, place)
    return JobStanding(key=key, state=job.state.value, reason=job.reason)
