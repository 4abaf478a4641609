"""Comparisons of two entries."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from jobs.workplace import Workplace
from sweeps.board import compare
from sweeps.board.pairs.pair import Pair
from sweeps.entries.lost import Lost
from sweeps.entries.reading import pair_of
from sweeps.standings.pair import compare_standings
from sweeps.standings.reading import pair_named
from sweeps.views.verdicts.read_verdict import advance_comparison
from sweeps.web.api.boards import tagged
from sweeps.web.api.parameters import HomePlace
from sweeps.web.problems import declare

router = APIRouter(tags=["leaderboard"])
MOST_CHARACTERS = 400
EntryQuery = Annotated[
    str,
    Query(min_length=1, max_length=MOST_CHARACTERS, description="SWEEP/ENTRY, or the name of an imported record."),
]


class ComparisonDocument(BaseModel):
    """Two entries side by side, as `golfsweep compare --json` prints them."""

    model_config = ConfigDict(extra="allow")
    challenger: dict[str, Any]
    incumbent: dict[str, Any]
    difference: dict[str, Any]


@router.get("/compare", responses=declare(422) | {304: {"description": "Not changed since."}})
def compare_entries(
    request: Request, place: HomePlace, challenger: EntryQuery, incumbent: EntryQuery
) -> ComparisonDocument:
    """Is the challenger better than the incumbent, by which test, and what would show it?"""
    if (standings := pair_named(challenger, incumbent, place)) is not None:
        return tagged(request, compare_standings(*standings))  # type: ignore[return-value]
    _, comparison, notes = compare_pair(challenger, incumbent, place)
    step = asdict(advance_comparison(comparison, place))
    return tagged(request, comparison | {"next": step, "notes": notes})  # type: ignore[return-value]


def compare_pair(challenger: str, incumbent: str, place: Workplace) -> tuple[Pair, dict[str, Any], list[str]]:
    """Two entries of the challenge, their comparison, and what is to be said of evidence that is lost.

    Raises:
        InputError: there are no such entries, or they cannot be compared.
    """
    lost = Lost()
    pair = pair_of(challenger, incumbent, place, lost)
    return pair, compare.compare(pair), [*lost.lines(place)]
