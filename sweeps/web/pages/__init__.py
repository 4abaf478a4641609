"""Pages for browsers, made of the components of reports; they work without scripts, and are live with them."""

from fastapi import APIRouter

from sweeps.web.pages import boards, comparisons, entries, jobs, login, operations, records
from sweeps.web.pages.forms import controlling, sharing, submitting

ROOMS = (boards, entries, comparisons, records, submitting, sharing, controlling, jobs, operations, login)
"""Modules with a `router`; a further page is a function in one of them, or a module and its name here."""


def make_router() -> APIRouter:
    """All pages."""
    router = APIRouter()
    for room in ROOMS:
        router.include_router(room.router)
    return router
