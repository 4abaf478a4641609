"""What endpoints take: the service, names in paths, pages by cursor."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from jobs.store import Store, SweepRecord
from jobs.workplace import Workplace
from sweeps.views.submissions import listed_sweep
from sweeps.web.kept.boards import KeptBoards
from sweeps.web.problems import NotFound
from sweeps.web.security.access import Caller

MOST_ENTRIES = 500


def _place(request: Request) -> Workplace:
    place: Workplace = request.app.state.service.place
    return place


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _acting_store(request: Request) -> Store:
    """The database for whoever sends the request: events name the token's owner."""
    return _place(request).store.acting_as(_caller(request).owner)


def _boards(request: Request) -> KeptBoards:
    boards: KeptBoards = request.app.state.boards
    return boards


HomePlace = Annotated[Workplace, Depends(_place)]
ActingStore = Annotated[Store, Depends(_acting_store)]
BoardsOf = Annotated[KeptBoards, Depends(_boards)]
CallerOf = Annotated[Caller, Depends(_caller)]
SweepPath = Annotated[str, Path(min_length=1, max_length=80, description="Name of a sweep.")]
EntryPath = Annotated[str, Path(min_length=1, max_length=120, description="Name of an entry.")]
KeyPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="A job's key.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES, description="Entries of a page.")]
After = Annotated[
    str, Query(max_length=255, description="The cursor that the page before gave as `next`; empty: from the beginning.")
]


def require_sweep(name: str, place: Workplace) -> SweepRecord:
    """A sweep, or what stands in for one that was submitted and not begun yet.

    Raises:
        NotFound: there is none of that name.
    """
    record = None if "\x00" in name else listed_sweep(name, place.store)
    if record is None:
        raise NotFound("no sweep of that name; GET /api/v1/sweeps lists them")
    return record
