"""What happened: events by page, and live as server-sent events."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from jobs.store import EventRecord
from jobs.store.kept import KeptStore
from jobs.workplace import Workplace
from sweeps.web.api.parameters import HomePlace, Limit, SweepPath, require_sweep
from sweeps.web.kept.feed import EventFeed
from sweeps.web.problems import declare
from sweeps.web.security.access import token_of

router = APIRouter(tags=["activity"])
PING_SECONDS = 15
MOST_NUMBER = 2**53 - 1
Cursor = Annotated[int, Query(ge=0, le=MOST_NUMBER, description="Number of the last event that is known already.")]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events as they happen.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


class EventView(BaseModel):
    """Something that happened."""

    id: int
    time: float = Field(description="Epoch seconds.")
    kind: str
    sweep: str | None
    entry: str | None
    key: str | None = Field(description="Of the job.")
    who: str
    detail: dict[str, Any]


class EventPage(BaseModel):
    """Events, oldest first."""

    events: list[EventView]
    next: int = Field(description="Cursor of the next page: the number of the last event here.")


@router.get("/activity", responses=declare(404, 422))
def list_events(
    place: HomePlace,
    after: Cursor = 0,
    sweep: Annotated[str | None, Query(max_length=80, description="Of one sweep.")] = None,
    limit: Limit = 100,
) -> EventPage:
    """What happened beyond a cursor, oldest first."""
    if sweep is not None:
        require_sweep(sweep, place)
    events = [_view(event) for event in place.store.events(after=after, sweep=sweep, limit=limit)]
    return EventPage(events=events, next=events[-1].id if events else after)


LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20, pattern="^[0-9]{0,16}$")]


@router.get("/events", responses=declare(422) | STREAM, response_class=EventSourceResponse)
async def stream_events(
    request: Request, place: HomePlace, after: Cursor | None = None, last_event_id: LastEventId = None
) -> EventSourceResponse:
    """Events of everything as they happen; `Last-Event-ID` or `after` continues where a stream ended."""
    return await _stream(request, place, None, after, last_event_id)


@router.get("/sweeps/{name}/events", responses=declare(404, 422) | STREAM, response_class=EventSourceResponse)
async def stream_sweep(
    name: SweepPath, request: Request, place: HomePlace, after: Cursor | None = None, last_event_id: LastEventId = None
) -> EventSourceResponse:
    """Events of one sweep as they happen."""
    await run_in_threadpool(require_sweep, name, place)
    return await _stream(request, place, name, after, last_event_id)


async def _stream(
    request: Request, place: Workplace, sweep: str | None, after: int | None, last_event_id: str | None
) -> EventSourceResponse:
    start = int(last_event_id) if last_event_id else after
    if start is None:
        start = await run_in_threadpool(place.store.last_event)
    feed: EventFeed = request.app.state.feed
    token = token_of(request.headers)  # which may be revoked or expire meanwhile
    is_good = None if token is None else partial(_is_good, token, request.app.state.service.place.store)
    return EventSourceResponse(_send(feed.follow(sweep, start, is_good)), ping=PING_SECONDS)


def _is_good(token: str, store: KeptStore) -> bool:
    with store.as_of_now():
        return store.find_token(token) is not None


async def _send(messages: AsyncIterator[ServerSentEvent | None]) -> AsyncIterator[ServerSentEvent]:
    """Until the reader leaves, its token ends or the service does; an outage of the database is waited out."""
    async for message in messages:
        yield ServerSentEvent(comment="the database does not answer") if message is None else message


def make_message(event: EventRecord) -> ServerSentEvent:
    """An event as streams send it."""
    return ServerSentEvent(id=str(event.id), data=_view(event).model_dump_json())


def _view(event: EventRecord) -> EventView:
    return EventView(
        id=event.id,
        time=event.time,
        kind=event.kind.value,
        sweep=event.sweep,
        entry=event.entry,
        key=event.key,
        who=event.who,
        detail=json.loads(json.dumps(event.detail, default=str)),
    )
