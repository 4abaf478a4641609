"""Pages for browsers, made of the components of reports; they work without scripts, and are live with them."""

from contextlib import suppress

from fastapi import APIRouter, Depends, Request

from jobs.errors import StoreUnavailable
from sweeps.web.api.parameters import HomePlace
from sweeps.web.pages import boards, comparisons, entries, jobs, login, operations, records
from sweeps.web.pages.forms import controlling, sharing, submitting

ROOMS = (boards, entries, comparisons, records, submitting, sharing, controlling, jobs, operations, login)
"""Modules with a `router`; a further page is a function in one of them, or a module and its name here."""


def make_router() -> APIRouter:
    """All pages."""
    router = APIRouter()
    for room in ROOMS:
        router.include_router(room.router, dependencies=[Depends(_note_event)])
    return router


def _note_event(request: Request, place: HomePlace) -> None:
    """Note the last event before a page is made: its stream of events goes on after that one."""
    with suppress(StoreUnavailable):  # whatever needs the database says so
        request.state.last_event = place.store.last_event()
