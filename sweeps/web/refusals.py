"""Errors of handlers as answers: problem documents under /api, a page with the same words elsewhere."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from golf.errors import InputError
from jobs.errors import StoreUnavailable, WrongState
from jobs.secrets import hide_passwords
from sweeps.web.pages.rendering import show
from sweeps.web.problems import NotFound, problem
from sweeps.web.security.access import is_page

RETRY_SECONDS = 5
"""After which a client may ask again when the database does not answer."""
MOST_CHARACTERS = 2000


def handle_errors(app: FastAPI) -> None:
    """Have every error of an application leave as an answer."""

    @app.exception_handler(NotFound)
    def not_found(request: Request, error: NotFound) -> Response:
        return _answer(request, 404, error.error, error.hint)

    @app.exception_handler(WrongState)
    def wrong_state(request: Request, error: WrongState) -> Response:
        return _answer(request, 409, error.error, error.hint)

    @app.exception_handler(InputError)
    def bad_input(request: Request, error: InputError) -> Response:
        return _answer(request, 422, error.error, error.hint)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        problems = (f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors())
        return _answer(request, 422, "; ".join(problems)[:MOST_CHARACTERS], "see /openapi.json")

    @app.exception_handler(StoreUnavailable)
    def unavailable(request: Request, error: StoreUnavailable) -> Response:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return _answer(request, 503, hide_passwords(str(error)), "the same request may succeed later", headers)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        hint = "see /openapi.json" if error.status_code in (404, 405) else ""
        return _answer(request, error.status_code, str(error.detail), hint, dict(error.headers or {}))


def _answer(
    request: Request, status: int, detail: str, hint: str = "", headers: dict[str, str] | None = None
) -> Response:
    if not is_page(request.url.path):
        return problem(status, detail, hint, headers)
    title = HTTPStatus(status).phrase
    return show(request, "problem_page.html.j2", status=status, headers=headers, title=title, detail=detail, hint=hint)
