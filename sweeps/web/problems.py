"""Errors as documents: application/problem+json (RFC 9457), with a hint that says what would be right."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from golf.errors import InputError
from jobs.errors import StoreUnavailable
from jobs.secrets import hide_passwords

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""After which a client may ask again when the database does not answer."""


class ProblemDocument(BaseModel):
    """Why a request was refused."""

    type: str = Field(default="about:blank", description="What kind of problem; the status says it.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, and where.")
    hint: str = Field(default="", description="What would be right.")


class NotFound(InputError):
    """There is no such thing."""


def problem(status: int, detail: str, hint: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal as a response."""
    document = ProblemDocument(title=HTTPStatus(status).phrase, status=status, detail=detail, hint=hint)
    return JSONResponse(document.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def declare(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint, for its description in /openapi.json; those of every endpoint are among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    everywhere = (400, 401, 403, 413, 429, 503)
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*everywhere, *statuses})
    }


def handle_problems(app: FastAPI) -> None:
    """Have every error of an application leave as a problem document."""

    @app.exception_handler(NotFound)
    def not_found(_: Request, error: NotFound) -> JSONResponse:
        return problem(404, error.error, error.hint)

    @app.exception_handler(InputError)
    def bad_input(_: Request, error: InputError) -> JSONResponse:
        return problem(422, error.error, error.hint)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = (f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors())
        return problem(422, "; ".join(problems)[:2000], "see /openapi.json")

    @app.exception_handler(StoreUnavailable)
    def unavailable(_: Request, error: StoreUnavailable) -> JSONResponse:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return problem(503, hide_passwords(str(error)), "the same request may succeed later", headers)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        hint = "see /openapi.json" if error.status_code in (404, 405) else ""
        return problem(error.status_code, str(error.detail), hint, dict(error.headers or {}))
