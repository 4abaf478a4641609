"""Jobs: those of a sweep, and all that is known of one."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from golf.errors import InputError, shown_name
from sweeps.views.show import SCHEMA_VERSION, describe
from sweeps.web.api.parameters import After, EntryPath, HomePlace, KeyPath, Limit, SweepPath, require_sweep
from sweeps.web.problems import NotFound, declare

router = APIRouter(tags=["jobs"])


class JobSummary(BaseModel):
    """A job in short."""

    key: str
    label: str
    stage: str
    seed: int
    state: str
    reason: str | None
    seconds: float | None = Field(description="How long the attempt that succeeded ran.")


class JobPage(BaseModel):
    """Jobs of a sweep in the order in which they were requested."""

    jobs: list[JobSummary]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class Description(BaseModel):
    """All that is known of a job or an entry, as `golfsweep show --json` prints it."""

    model_config = ConfigDict(extra="allow")
    schema_version: int = Field(description="Raised when a field changes its meaning.")


@router.get("/sweeps/{name}/jobs", responses=declare(404, 422))
def list_jobs(name: SweepPath, place: HomePlace, after: After = "", limit: Limit = 50) -> JobPage:
    """Jobs that a sweep needs, a page at a time."""
    require_sweep(name, place)
    if after and place.store.job(after) is None:
        raise InputError(f"after={shown_name(after)}: no such cursor; begin again without one")
    records = place.store.jobs(sweep=name, after=after or None, limit=limit + 1)
    page, following = records[:limit], records[limit - 1].key if len(records) > limit else None
    summaries = [
        JobSummary(
            key=record.key,
            label=record.order.label,
            stage=record.order.job.stage,
            seed=record.order.job.seed,
            state=record.state.value,
            reason=record.reason,
            seconds=record.seconds,
        )
        for record in page
    ]
    return JobPage(jobs=summaries, next=following)


@router.get("/jobs/{key}", responses=declare(404, 422))
def get_job(key: KeyPath, place: HomePlace) -> Description:
    """Settings, attempts, outputs and reasons of a job."""
    return _described(key, place)


@router.get("/sweeps/{name}/entries/{entry}", responses=declare(404, 422))
def get_entry(name: SweepPath, entry: EntryPath, place: HomePlace) -> Description:
    """An entry of a leaderboard: its columns, jobs, evidence, certificate, and where its evidence contradicts it."""
    require_sweep(name, place)
    return _described(f"{name}/{entry}", place)


def _described(name: str, place: Any) -> Description:
    try:
        return Description(schema_version=SCHEMA_VERSION, **describe(name, place))
    except InputError as error:  # the name is well-formed, so that only its being unknown is left
        raise NotFound(str(error)) from None
