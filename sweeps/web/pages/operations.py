"""The pages of the cluster and of what happened."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from jobs.store import EventRecord
from sweeps.web.api.activity import MOST_NUMBER
from sweeps.web.api.parameters import HomePlace
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
PAGE = 100
EVENTS = "/api/v1/events"


@router.get("/cluster")
def show_cluster(request: Request, place: HomePlace) -> Response:
    """Who works for this database now."""
    store = place.store
    content: dict[str, Any] = {
        "schedulers": store.live_schedulers(),
        "drivers": store.live_drivers(),
        "nodes": store.nodes(),
    }
    return show(request, "cluster_page.html.j2", events=EVENTS, **content)


@router.get("/activity")
def show_activity(
    request: Request, place: HomePlace, before: Annotated[int | None, Query(ge=1, le=MOST_NUMBER)] = None
) -> Response:
    """Events, the latest first; `before` shows earlier ones."""
    end = place.store.last_event() + 1 if before is None else before
    after = max(0, end - 1 - PAGE)
    events = [event for event in place.store.events(after=after, limit=PAGE) if event.id < end]
    return show(
        request,
        "activity_page.html.j2",
        events=EVENTS if before is None else "",
        events_shown=[_describe(event) for event in reversed(events)],
        before=after + 1 if after > 0 else None,
    )


def _describe(event: EventRecord) -> dict[str, Any]:
    detail = event.detail
    words = [event.entry, detail.get("record"), detail.get("label"), detail.get("reason"), detail.get("state")]
    if "trial" in detail:
        words.insert(0, f"trial {detail['trial']}")
    about = " · ".join(dict.fromkeys(str(word) for word in words if word))
    return {
        "time": datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "kind": event.kind.value,
        "sweep": event.sweep,
        "sweep_address": f"/sweeps/{quote(event.sweep or '', safe='')}",
        "key": event.key,
        "about": about or (event.key or "")[:12] or "–",
        "who": event.who,
    }
