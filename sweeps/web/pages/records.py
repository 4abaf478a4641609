"""The page of imported records, and of the judgment on a folder that was sent."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from golf.errors import InputError
from jobs.state import Scope
from sweeps.contests.catalog import DEFAULT, contest_named, list_contests
from sweeps.entries.reading import board_of
from sweeps.submission.uploads import review_upload
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.verdicts.flags import describe_flags
from sweeps.web.addresses import entry_address
from sweeps.web.api.parameters import After, CallerOf, HomePlace
from sweeps.web.api.records import keep_upload, page_of_records
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
PAGE = 100
Contest = Annotated[str, Query(max_length=80)]


@router.get("/records")
def show_records(
    request: Request, place: HomePlace, caller: CallerOf, contest: Contest = DEFAULT, after: After = ""
) -> Response:
    """Imported records of a contest with what speaks against them, and how the record moved."""
    rules = contest_named(contest)
    page, following = page_of_records(place, rules, after, PAGE)
    changes = board_of(None, place).changes() if contest == DEFAULT and not after else []
    figure = prepare_frontier([change for change in changes if change["track"] != "flagged"])
    return show(
        request,
        "records_page.html.j2",
        contest=contest,
        contests=list_contests(),
        lines=[_describe(row) for row in page],
        next=None if following is None else f"/records?contest={quote(contest)}&after={quote(following, safe='')}",
        figures=[] if figure is None else [figure],
        may_import=caller.scope.includes(Scope.SUBMIT),
    )


@router.post("/records")
async def judge_upload(
    request: Request,
    place: HomePlace,
    caller: CallerOf,
    archive: Annotated[UploadFile, File()],
    contest: Annotated[str, Form(max_length=80)] = DEFAULT,
    action: Annotated[str, Form(max_length=10)] = "check",
) -> Response:
    """Judge a record's folder that a browser sends as a zip file; import it, if that is what was asked for."""
    content, name = await archive.read(), _name_of(archive.filename)
    try:
        rules = contest_named(contest)
        if action == "import":
            await run_in_threadpool(keep_upload, content, name, rules, place, caller.owner)
            return RedirectResponse(f"/records?contest={quote(contest)}", status_code=303)
        review, markdown = await run_in_threadpool(review_upload, content, name, rules)
    except InputError as error:
        return show(request, "review_page.html.j2", status=422, name=name, passes=None, text="", problem=str(error))
    return show(request, "review_page.html.j2", name=name, passes=review.passes, text=markdown, problem="")


def _name_of(file: str | None) -> str:
    """A record's name from that of its archive."""
    stem = (file or "").replace("\\", "/").rpartition("/")[2].removesuffix(".zip")
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in stem)[:200]
    return kept.strip(".-_") or "record"


def _describe(row: dict[str, Any]) -> dict[str, Any]:
    if "val_bpb_mean" in row:
        score = "–" if row["val_bpb_mean"] is None else f"{row['val_bpb_mean']:.4f} bpb"
    else:
        score = "–" if row["value"] is None else f"{row['value']:g} {row['ranked_by']}"
    return {
        "name": row["name"],
        "address": entry_address(row),
        "score": score,
        "track": row["track"],
        "date": row.get("date") or "–",
        "findings": describe_flags(row["findings"]) if row["findings"] else "none",
    }
