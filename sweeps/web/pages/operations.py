"""The pages of the cluster and of what happened."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from jobs.state import Scope
from jobs.store import EventRecord
from sweeps.views.cluster import read_clusters
from sweeps.views.wording import format_dollars
from sweeps.web.api.activity import MOST_NUMBER
from sweeps.web.api.parameters import CallerOf, HomePlace
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
PAGE = 100
EVENTS = "/api/v1/events"


@router.get("/cluster")
def show_cluster(request: Request, place: HomePlace, caller: CallerOf) -> Response:
    """Who works for this database now, on what, and what waits."""
    state = read_clusters(place.store)
    bad = {(node.cluster, node.name) for node in state.nodes if not node.good}
    used = dict.fromkeys(
        (load.cluster, run.node, run.host) for load in state.clusters for run in load.running if run.node is not None
    )
    return show(
        request,
        "cluster_page.html.j2",
        events=EVENTS,
        clusters=state.clusters,
        shares=state.shares,
        drivers=place.store.live_drivers(),
        nodes=state.nodes,
        drainable=[(cluster, node, host) for cluster, node, host in used if (cluster, node) not in bad],
        may_drain=caller.scope.includes(Scope.ADMIN),
        dollars=format_dollars,
    )


@router.post("/cluster/{action}")
def decide_node(
    action: Literal["drain", "restore"],
    place: HomePlace,
    caller: CallerOf,
    cluster: Annotated[str, Form(max_length=255)],
    node: Annotated[str, Form(max_length=80)],
) -> Response:
    """Drain a node, or let jobs start on it again."""
    store = place.store.acting_as(caller.owner)
    (store.drain_node if action == "drain" else store.restore_node)(cluster, node)
    return RedirectResponse("/cluster", status_code=303)


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
    words = [
        event.entry,
        detail.get("record"),
        detail.get("host"),
        detail.get("label"),
        detail.get("reason"),
        detail.get("state"),
    ]
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
