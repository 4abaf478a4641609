"""Errors as documents: application/problem+json (RFC 9457), with a hint that says what would be right."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from golf.errors import InputError

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """Why a request was refused; some kinds of error have members of their own."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(default="about:blank", description="What kind of problem; the status says it.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, and where.")
    hint: str = Field(default="", description="What would be right.")
    code: str = Field(default="", description="Which kind of error, for programs; jobs/remote/refusals.py lists them.")
    problems: list[str] = Field(default=[], description="Each thing that is wrong, where there may be several.")


class NotFound(InputError):
    """There is no such thing."""


def problem(
    status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None, **facts: Any
) -> JSONResponse:
    """A refusal as a response; `facts` are further members of its document."""
    document = ProblemDocument(title=HTTPStatus(status).phrase, status=status, detail=detail, hint=hint, **facts)
    return JSONResponse(document.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def declare(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint, for its description in /openapi.json; those of every endpoint are among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    everywhere = (400, 401, 403, 413, 429, 503)
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*everywhere, *statuses})
    }
