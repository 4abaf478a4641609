"""Imported records: the list of them, and folders that are sent to be judged."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.contests.contest import Contest
from sweeps.submission.uploads import read_upload, review_upload
from sweeps.views.leaderboard_document import leaderboard_document
from sweeps.web.api.parameters import After, CallerOf, HomePlace, Limit
from sweeps.web.paging import cut_page
from sweeps.web.problems import declare

router = APIRouter(tags=["records"])
ZIP = "application/zip"
BODY = {
    "requestBody": {"required": True, "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}},
}
"""The folder as a zip file."""
ContestName = Annotated[str, Query(max_length=80, description="Name of the contest by whose rules it is judged.")]
FolderName = Annotated[
    str, Query(min_length=1, max_length=200, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Name of the record.")
]


class RecordPage(BaseModel):
    """Imported records, the latest first."""

    records: list[dict[str, Any]] = Field(description="Entries as on the leaderboard, findings included.")
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class RecordReview(BaseModel):
    """The judgment on a record's folder, as `golfsweep check` gives it."""

    passes: bool = Field(description="Whether it keeps the rules and its files support what it claims.")
    review: dict[str, Any] | list[Any]
    markdown: str = Field(description="The same for a review thread.")


class ImportedRows(BaseModel):
    """What an import changed."""

    rows: list[dict[str, Any]]
    changed: list[str] = Field(description="Names of records that are new or other than before.")


@router.get("/records", responses=declare(422))
def list_records(place: HomePlace, contest: ContestName = DEFAULT, after: After = "", limit: Limit = 50) -> RecordPage:
    """Records of a contest that were imported, a page at a time."""
    page, following = page_of_records(place, contest_named(contest), after, limit)
    return RecordPage(records=page, next=following)


def page_of_records(
    place: Workplace, contest: Contest, after: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Imported records beyond a cursor, the latest first, and the next cursor."""
    document = leaderboard_document(place, None, contest.name)
    rows = sorted((row for row in document["rows"] if row["source"] == "import"), key=lambda row: row["name"])
    rows.sort(key=lambda row: row.get("date") or "", reverse=True)
    page, following = cut_page(rows, lambda row: row["name"], after, limit)
    return [*page], following


@router.post("/records/check", responses=declare(415, 422), openapi_extra=BODY)
async def check_record(request: Request, name: FolderName, contest: ContestName = DEFAULT) -> RecordReview:
    """Judge a record's folder, sent as a zip file; nothing of it is kept or executed."""
    rules, content = contest_named(contest), await read_zip(request)
    review, markdown = await run_in_threadpool(review_upload, content, name, rules)
    document = json.loads(json.dumps(review.document(), default=str))
    return RecordReview(passes=review.passes, review=document, markdown=markdown)


@router.post("/records", responses=declare(415, 422), openapi_extra=BODY)
async def import_records(
    request: Request, place: HomePlace, caller: CallerOf, name: FolderName, contest: ContestName = DEFAULT
) -> ImportedRows:
    """Import the records of a zip file as entries; the same content again changes nothing."""
    rules, content = contest_named(contest), await read_zip(request)
    return await run_in_threadpool(keep_upload, content, name, rules, place, caller.owner)


def keep_upload(content: bytes, name: str, contest: Contest, place: Workplace, owner: str) -> ImportedRows:
    """Write the records of a zip file down, on behalf of who sent it."""
    records, store = read_upload(content, name, contest), place.store.acting_as(owner)
    changed = [key for key, record in records.contents.items() if store.put_record(key, record)]
    rows = json.loads(json.dumps([*records.rows], default=str))
    return ImportedRows(rows=rows, changed=[str(records.contents[key]["name"]) for key in changed])


async def read_zip(request: Request) -> bytes:
    """The body of a request that says it is a zip file; one of another kind is refused unread.

    Raises:
        HTTPException: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != ZIP:
        raise HTTPException(415, f"the body is {kind or 'of no stated kind'}; expected {ZIP}")
    return await request.body()
