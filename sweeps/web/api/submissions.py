"""Submitting sweeps, and the versions that were submitted."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from jobs.store import SubmissionRecord, SubmittedContent
from sweeps.spec.checks.names import MOST_CHARACTERS
from sweeps.spec.reading import MOST_BYTES
from sweeps.web.actions.submitting import Draft, differences, submit_sweep
from sweeps.web.api.parameters import ActingStore, After, HomePlace, Limit, SweepPath, require_sweep
from sweeps.web.paging import cut_page
from sweeps.web.problems import declare

router = APIRouter(tags=["submissions"])
MOST_FILES, MOST_ASSIGNMENTS, MOST_TAGS = 200, 200, 20
PLAIN = "^[^\\x00-\\x1f\\x7f]*$"
"""Text of one line."""
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Assignment = Annotated[str, StringConstraints(min_length=3, max_length=4000, pattern=PLAIN)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=PLAIN)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=PLAIN)]


class SweepSubmission(BaseModel):
    """A sweep to be run by whoever takes submitted sweeps."""

    model_config = ConfigDict(extra="forbid")
    file: str = Field(min_length=1, max_length=MOST_BYTES, description="The sweep file: TOML.")
    assignments: list[Assignment] = Field(
        default=[], alias="set", max_length=MOST_ASSIGNMENTS, description="Values on top of it, as `--set` takes them."
    )
    files: dict[FileName, Digest] = Field(
        default={},
        max_length=MOST_FILES,
        description="Files of a script and its diffs: path, as the sweep file names it, and digest of a content that "
        "is here.",
    )
    tags: list[Tag] = Field(default=[], max_length=MOST_TAGS)
    agent: Tag | None = Field(default=None, description="Name of the agent that submits it; null for a person.")


class SubmissionView(BaseModel):
    """A version of a sweep that was submitted."""

    sweep: str
    version: int = Field(description="From 1 for each sweep.")
    state: str = Field(description="queued, taken, by hand, paused, ended or cancelled.")
    reason: str | None
    ticket: str = Field(description="Names this version.")
    owner: str
    agent: str | None
    priority: int
    created: float = Field(description="Epoch seconds.")
    location: str = Field(description="Where the sweep is.")


class VersionView(SubmissionView):
    """A version with all that decides what it runs."""

    file: str
    assignments: list[str] = Field(serialization_alias="set")
    files: dict[str, str]
    differences: str = Field(description="To the version before, as a unified diff.")


class VersionList(BaseModel):
    """Versions of a sweep, the oldest first."""

    versions: list[VersionView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@router.post("/sweeps", status_code=201, responses=declare(422) | {200: {"model": SubmissionView}})
def post_sweep(body: SweepSubmission, place: HomePlace, store: ActingStore, response: Response) -> SubmissionView:
    """Submit a sweep. The latest version's content once more is answered with that version, and 200."""
    content = SubmittedContent(file=body.file, assignments=tuple(body.assignments), files=body.files)
    submitted = submit_sweep(Draft(content=content, tags=body.tags, agent=body.agent), place, store)
    view = view_of(submitted.record)
    response.status_code = 201 if submitted.is_new else 200
    response.headers["Location"] = view.location
    return view


@router.get("/sweeps/{name}/versions", responses=declare(404, 422))
def list_versions(name: SweepPath, place: HomePlace, after: After = "", limit: Limit = 50) -> VersionList:
    """The versions of a sweep's file, a page at a time; none of one whose file is not in the database."""
    require_sweep(name, place)
    records = place.store.submission_versions(name)
    page, following = cut_page(records, lambda record: str(record.version), after, limit)
    before = {record.version + 1: record for record in records}
    return VersionList(
        next=following,
        versions=[
            VersionView(
                **view_of(record).model_dump(),
                file=record.file,
                assignments=list(record.assignments),
                files=dict(record.files),
                differences=differences(before.get(record.version), record),
            )
            for record in page
        ],
    )


def view_of(record: SubmissionRecord) -> SubmissionView:
    """A submission as the API shows it."""
    names = ("sweep", "version", "state", "reason", "ticket", "owner", "agent", "priority", "created")
    values = {name: getattr(record, name) for name in names}
    return SubmissionView(**values, location=f"/api/v1/sweeps/{quote(record.sweep, safe='')}")
