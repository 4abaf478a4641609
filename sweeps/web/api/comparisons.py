"""Comparisons of two entries."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from sweeps.views.verdicts.comparison_document import comparison_document
from sweeps.web.api.boards import send_document
from sweeps.web.api.parameters import HomePlace
from sweeps.web.kept.boards import KeptDocument
from sweeps.web.problems import declare

router = APIRouter(tags=["leaderboard"])
MOST_CHARACTERS = 400
EntryQuery = Annotated[
    str,
    Query(min_length=1, max_length=MOST_CHARACTERS, description="SWEEP/ENTRY, or the name of an imported record."),
]


class ComparisonView(BaseModel):
    """Two entries side by side, as `golfsweep compare --json` prints them."""

    model_config = ConfigDict(extra="allow")
    challenger: dict[str, Any]
    incumbent: dict[str, Any]
    difference: dict[str, Any]


@router.get("/compare", responses=declare(422) | {304: {"description": "Not changed since."}})
def compare_entries(
    request: Request, place: HomePlace, challenger: EntryQuery, incumbent: EntryQuery
) -> ComparisonView:
    """Is the challenger better than the incumbent, by which test, and what would show it?"""
    document = comparison_document(challenger, incumbent, place).document
    return send_document(request, KeptDocument.of(document))  # type: ignore[return-value]
