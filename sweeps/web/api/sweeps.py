"""Sweeps: the list of them, and how far each is."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.views.status import current_states, state_of
from sweeps.views.submissions import listed_sweeps
from sweeps.web.api.parameters import After, HomePlace, Limit, SweepPath, require_sweep
from sweeps.web.paging import cut_page
from sweeps.web.problems import declare

router = APIRouter(tags=["sweeps"])


class SweepSummary(BaseModel):
    """A sweep in short."""

    name: str
    state: str
    reason: str | None
    owner: str | None
    tags: list[str]
    created: float = Field(description="Epoch seconds.")
    gpu_hours: float = Field(description="Spent by attempts that have ended.")


class SweepPage(BaseModel):
    """Sweeps, newest first."""

    sweeps: list[SweepSummary]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class SweepStatus(BaseModel):
    """A sweep as `golfsweep status --json` shows it."""

    model_config = ConfigDict(extra="allow")
    name: str
    state: str
    stages: dict[str, dict[str, int]] = Field(description="Jobs by stage and state.")
    running: list[dict[str, Any]]
    waiting: list[dict[str, Any]]


class SweepFileView(BaseModel):
    """A sweep's file as plain data."""

    name: str
    file: dict[str, Any]


@router.get("/sweeps", responses=declare(422))
def list_sweeps(place: HomePlace, after: After = "", limit: Limit = 50) -> SweepPage:
    """All sweeps, newest first, a page at a time."""
    page, following = page_of_sweeps(place, after, limit)
    states = current_states(page, place.store)
    return SweepPage(sweeps=[_summary(record, states[record.name]) for record in page], next=following)


def page_of_sweeps(place: Workplace, after: str, limit: int) -> tuple[Sequence[SweepRecord], str | None]:
    """Sweeps beyond a cursor, newest first, and the next cursor."""
    records = sorted(listed_sweeps(place.store), key=lambda record: (-record.created, record.name))
    return cut_page(records, lambda record: record.name, after, limit)


@router.get("/sweeps/{name}", responses=declare(404, 422))
def get_sweep(name: SweepPath, place: HomePlace) -> SweepStatus:
    """How far a sweep is, what runs, what waits and why, what failed."""
    return SweepStatus(**state_of(require_sweep(name, place), place.store))


@router.get("/sweeps/{name}/file", responses=declare(404, 422))
def get_sweep_file(name: SweepPath, place: HomePlace) -> SweepFileView:
    """The file that a sweep was started with, or last continued with."""
    return SweepFileView(name=name, file=dict(require_sweep(name, place).spec["file"]))


def _summary(record: SweepRecord, state: str) -> SweepSummary:
    return SweepSummary(
        name=record.name,
        state=state,
        reason=record.reason,
        owner=record.owner or None,
        tags=list(record.tags),
        created=record.created,
        gpu_hours=record.spent_hours,
    )
