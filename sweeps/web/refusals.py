"""Errors of handlers as answers: problem documents under /api, a page with the same words elsewhere."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from golf.errors import InputError, shown
from jobs.errors import StoreUnavailable
from jobs.remote.refusals import CODES, refusal_of
from jobs.secrets import hide_passwords
from sweeps.web.pages.rendering import show
from sweeps.web.problems import NotFound, problem
from sweeps.web.security.access import is_page
from sweeps.web.security.headers import HEADERS

RETRY_SECONDS = 5
"""After which a client may ask again when the database does not answer."""
MOST_CHARACTERS = 2000
TITLES = {400: "Not possible", 403: "Not allowed", 404: "Not found", 409: "Not possible now", 422: "Not possible"}
"""Of a page that refuses, in plain words."""


def handle_errors(app: FastAPI) -> None:
    """Have every error of an application leave as an answer."""

    @app.exception_handler(NotFound)
    def not_found(request: Request, error: NotFound) -> Response:
        return _answer(request, 404, error.error, error.hint, code="not-found")

    def refuse(request: Request, error: Exception) -> Response:
        refusal, detail = refusal_of(error), hide_passwords(str(error))
        if isinstance(error, InputError):
            return _answer(request, refusal.status, error.error, error.hint, code=refusal.code, **refusal.facts)
        unavailable = isinstance(error, StoreUnavailable)
        headers = {"Retry-After": str(RETRY_SECONDS)} if unavailable else None
        hint = "the same request may succeed later" if unavailable else ""
        return _answer(request, refusal.status, detail, hint, headers, code=refusal.code, **refusal.facts)

    for kind in CODES:
        app.add_exception_handler(kind, refuse)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        problems = (f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors())
        hint = "" if is_page(request.url.path) else "see /openapi.json"
        return _answer(request, 422, "; ".join(problems)[:MOST_CHARACTERS], hint)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 404 and is_page(request.url.path):
            return _answer(request, 404, f"no page is at {shown(request.url.path)}", headers=headers)
        hint = "see /openapi.json" if error.status_code in (404, 405) else ""
        return _answer(request, error.status_code, str(error.detail), hint, headers)

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> Response:  # a defect of ours; the log has its traceback
        return _answer(request, 500, "the service made a mistake", "its log says which", HEADERS)


def _answer(
    request: Request,
    status: int,
    detail: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    **facts: Any,
) -> Response:
    if not is_page(request.url.path):
        return problem(status, detail, hint, headers, **facts)
    title = TITLES.get(status, HTTPStatus(status).phrase)
    return show(request, "problem_page.html.j2", status=status, headers=headers, title=title, detail=detail, hint=hint)
