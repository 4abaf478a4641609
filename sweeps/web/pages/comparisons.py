"""The page that compares two entries."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.entries.names import list_entries
from sweeps.standings.pair import list_lines
from sweeps.views.report.comparison import prepare_comparison
from sweeps.views.verdicts.comparison_document import ComparisonDocument, comparison_document
from sweeps.web.addresses import sweep_address
from sweeps.web.api.comparisons import MOST_CHARACTERS
from sweeps.web.api.parameters import HomePlace
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
MOST_SUGGESTED = 500
"""Names that the fields suggest."""
Name = Annotated[str, Query(max_length=MOST_CHARACTERS)]


@router.get("/compare")
def show_comparison(request: Request, place: HomePlace, challenger: Name = "", incumbent: Name = "") -> Response:
    """Two entries side by side, or the form that asks which."""
    content: dict[str, Any] = {
        "comparison": None,
        "lines": [],
        "problem": "",
        "notes": [],
        "order": None,
        "status": 200,
    }
    if challenger and incumbent:
        try:
            made = comparison_document(challenger, incumbent, place)
        except InputError as error:
            content |= {"problem": str(error), "status": 422}
        else:
            content |= {"notes": made.document.get("notes", [])} | _prepare(made, place)
    return show(
        request,
        "comparison_page.html.j2",
        challenger=challenger,
        incumbent=incumbent,
        known=[entry.full for entry in list_entries(place)][:MOST_SUGGESTED],
        **content,
    )


def _prepare(made: ComparisonDocument, place: Workplace) -> dict[str, Any]:
    """What the page draws of a comparison, and where seeds for its challenger are ordered."""
    if made.standings is not None:
        return {"lines": [*list_lines(made.document, made.standings[0].contest)]}
    sweep = made.document["challenger"]["sweep"]
    is_submitted = sweep is not None and place.store.submission(sweep) is not None
    order = f"{sweep_address(sweep)}/seeds/price" if is_submitted else None
    return prepare_comparison(made.document, made.documents, made.step) | {"order": order}
