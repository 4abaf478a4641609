"""The leaderboard and comparisons."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sweeps.web.api.parameters import BoardsOf, HomePlace, require_sweep
from sweeps.web.kept.boards import KeptDocument
from sweeps.web.problems import declare

router = APIRouter(tags=["leaderboard"])
SweepQuery = Annotated[str | None, Query(max_length=80, description="Name of a sweep; by default the latest.")]
ContestQuery = Annotated[str | None, Query(max_length=80, description="Name of a contest.")]


class LeaderboardDocument(BaseModel):
    """Entries of a sweep beside imported records, as `golfsweep leaderboard --json` prints them."""

    model_config = ConfigDict(extra="allow")
    schema_version: int = Field(default=1, description="Raised when a field changes its meaning.")
    rows: list[dict[str, Any]] = Field(
        description="Entries, best first within each track; docs/commands.md lists the columns."
    )


@router.get("/leaderboard", responses=declare(404, 422) | {304: {"description": "Not changed since."}})
def get_leaderboard(
    request: Request, place: HomePlace, boards: BoardsOf, sweep: SweepQuery = None, contest: ContestQuery = None
) -> LeaderboardDocument:
    """Entries of a sweep beside imported records. Its ETag changes when they do."""
    document = boards.document(sweep, contest, lambda: None if sweep is None else require_sweep(sweep, place))
    return send_document(request, document)  # type: ignore[return-value]


def send_document(request: Request, document: KeptDocument) -> Response:
    """A document with its ETag, or 304 where the client has it already."""
    known = [text.strip().removeprefix("W/") for text in request.headers.get("if-none-match", "").split(",")]
    if document.tag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": document.tag})
    return Response(document.content, media_type="application/json", headers={"ETag": document.tag})
