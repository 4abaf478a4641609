"""The API at /api/v1: what the commands print with --json, as endpoints."""

from fastapi import APIRouter

from sweeps.web.api import (
    activity,
    boards,
    cluster,
    comparisons,
    contents,
    control,
    jobs,
    records,
    store,
    submissions,
    sweeps,
)
from sweeps.web.api.access import shares, tokens, webhooks

PREFIX = "/api/v1"
ROOMS = (
    boards, comparisons, records, sweeps, submissions, control, jobs, cluster, activity, tokens, shares, webhooks,
    store, contents,
)  # fmt: skip
"""Modules with a `router`; a further part of the API is a module and its name here."""


def make_router() -> APIRouter:
    """All endpoints."""
    router = APIRouter(prefix=PREFIX)
    for room in ROOMS:
        router.include_router(room.router)
    return router
