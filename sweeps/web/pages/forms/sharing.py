"""Share links: the forms that make one, and the page that it shows to whoever has it, with no way to the rest."""

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from golf.errors import InputError, shown
from jobs.store import ShareRecord, Store
from jobs.store.access.shares import MOST_DAYS
from jobs.workplace import Workplace
from sweeps.entries.lost import Lost
from sweeps.entries.reading import read_entry
from sweeps.views.show import describe
from sweeps.web.addresses import SHARED, entry_address, sweep_address
from sweeps.web.api.access.shares import link_of, make_share
from sweeps.web.api.parameters import ActingStore, BoardsOf, EntryPath, HomePlace, SweepPath
from sweeps.web.kept.boards import KeptBoards
from sweeps.web.pages.entries import describe_entry
from sweeps.web.pages.forms.fields import read_fields
from sweeps.web.pages.rendering import show
from sweeps.web.pages.sweep_content import describe_board

router = APIRouter(include_in_schema=False)
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?")
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
"""Headers of pages that hold a link's secret, or that it shows."""


@router.post("/sweeps/{name}/share")
async def share_sweep(request: Request, name: SweepPath, place: HomePlace, store: ActingStore) -> Response:
    """Make a link to a sweep, and show it this once."""
    days = _read_days(await read_fields(request))
    return await run_in_threadpool(_share, request, name, None, days, place, store)


@router.post("/sweeps/{name}/entries/{entry}/share")
async def share_entry(
    request: Request, name: SweepPath, entry: EntryPath, place: HomePlace, store: ActingStore
) -> Response:
    """Make a link to an entry, and show it this once."""
    days = _read_days(await read_fields(request))
    return await run_in_threadpool(_share, request, name, entry, days, place, store)


def _share(request: Request, name: str, entry: str | None, days: float, place: Workplace, store: Store) -> Response:
    made = make_share(name, entry, days, place, store)
    of_entry = None if entry is None else entry_address({"name": entry, "source": "golfsweep", "sweep": name})
    return show(
        request,
        "share_page.html.j2",
        headers=PRIVATE,
        title=name if entry is None else entry,
        address=of_entry or sweep_address(name),
        link=link_of(made, request),
        id=made.record.id,
        until=_date(made.record.expires),
    )


@router.get(f"{SHARED}{{text:path}}")
def show_shared(request: Request, text: str, place: HomePlace, boards: BoardsOf) -> Response:
    """What a link shows; one that has expired or was revoked is like one that never was."""
    request.state.caller = None
    share = place.store.find_share(text)
    content = None if share is None else _describe(share, place, boards)
    if share is None or content is None:
        return show(request, "unshared_page.html.j2", status=404, headers=PRIVATE)
    template = "shared_sweep.html.j2" if share.entry is None else "shared_entry.html.j2"
    return show(request, template, headers=PRIVATE, until=_date(share.expires), **content)


def _describe(share: ShareRecord, place: Workplace, boards: KeptBoards) -> dict[str, Any] | None:
    """What is shown; None where it is no longer there."""
    record, lost = place.store.sweep(share.sweep), Lost()
    if record is None:
        return None
    if share.entry is None:
        content = describe_board(record, place, boards, lost)
        return {"sweep": share.sweep, "state": record.state, "problems": [*lost.lines()], **content}
    if read_entry(share.sweep, share.entry, place) is None:
        return None
    return describe_entry(describe(f"{share.sweep}/{share.entry}", place), place)


def _read_days(fields: dict[str, str]) -> float:
    text = fields.get("days", "").strip()
    days = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 0 < days <= MOST_DAYS:
        raise InputError(f"days = {shown(text)}: expected more than 0 and at most {MOST_DAYS:g}")
    return days


def _date(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")
