"""The page that compares two entries."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from golf.errors import InputError
from sweeps.board.compare import document_differences
from sweeps.entries.names import list_entries
from sweeps.standings.pair import compare_standings, list_lines
from sweeps.standings.reading import pair_named
from sweeps.views.report.comparison import prepare_comparison
from sweeps.views.verdicts.read_verdict import advance_comparison
from sweeps.web.api.comparisons import MOST_CHARACTERS, compare_pair
from sweeps.web.api.parameters import HomePlace
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
MOST_SUGGESTED = 500
"""Names that the fields suggest."""
Name = Annotated[str, Query(max_length=MOST_CHARACTERS)]


@router.get("/compare")
def show_comparison(request: Request, place: HomePlace, challenger: Name = "", incumbent: Name = "") -> Response:
    """Two entries side by side, or the form that asks which."""
    content: dict[str, Any] = {"comparison": None, "lines": [], "problem": "", "notes": [], "status": 200}
    if challenger and incumbent:
        try:
            if (standings := pair_named(challenger, incumbent, place)) is not None:
                content["lines"] = [*list_lines(compare_standings(*standings), standings[0].contest)]
            else:
                pair, comparison, content["notes"] = compare_pair(challenger, incumbent, place)
                step = advance_comparison(comparison, place)
                content |= prepare_comparison(comparison, document_differences(pair), step)
        except InputError as error:
            content |= {"problem": str(error), "status": 422}
    return show(
        request,
        "comparison_page.html.j2",
        challenger=challenger,
        incumbent=incumbent,
        known=[entry.full for entry in list_entries(place)][:MOST_SUGGESTED],
        **content,
    )
