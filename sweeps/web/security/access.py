"""Which scope a request needs, who sends it, and the gate that refuses it before its body is read."""

from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from jobs.errors import StoreUnavailable
from jobs.state import Scope
from sweeps.web.problems import problem
from sweeps.web.service import Service

COOKIE = "golfsweep_token"
OPEN = ("/healthz", "/readyz", "/openapi.json")
"""Paths that need no token: they say nothing of anybody's work."""
ADMIN = ("/api/v1/tokens",)
SAFE = ("GET", "HEAD")
HINT = "send Authorization: Bearer TOKEN; golfsweep token create makes one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who sends a request."""

    owner: str
    scope: Scope
    token: str | None
    """The id of the token; None for anybody, where reading is public."""


ANYBODY = Caller(owner="anybody", scope=Scope.READ, token=None)


def required_scope(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None where it needs no token.

    Whatever is not known to be harmless needs more: a method that changes something, on any path, needs `submit`.
    """
    if path in OPEN and method in SAFE:
        return None
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in ADMIN):
        return Scope.ADMIN
    return Scope.READ if method in SAFE else Scope.SUBMIT


def token_of(headers: Headers) -> str | None:
    """The token that a request shows; None without one."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.strip() else None


class Gate:
    """Lets a request pass whose token has the scope that it needs; its `state.caller` is who sends it."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if connection["type"] != "http":
            return await self._app(connection, receive, send)
        needed = required_scope(connection["method"], connection["path"])
        connection.setdefault("state", {})["caller"] = ANYBODY
        if needed is None:
            return await self._app(connection, receive, send)
        text = token_of(Headers(scope=connection))
        try:
            token = None if text is None else await run_in_threadpool(self._service.place.store.find_token, text)
        except StoreUnavailable:
            refusal = problem(503, "the database does not answer", "the same request may succeed later")
            return await refusal(connection, receive, send)
        if token is not None:
            caller = Caller(owner=token.owner, scope=Scope(token.scope), token=token.id)
        elif text is None and self._service.public:
            caller = ANYBODY
        else:
            what = "a token is needed" if text is None else "this token is not known, has expired, or was revoked"
            refusal = problem(401, what, HINT, {"WWW-Authenticate": "Bearer"})
            return await refusal(connection, receive, send)
        if not caller.scope.includes(needed):
            return await _refuse_scope(caller, needed)(connection, receive, send)
        connection["state"]["caller"] = caller
        await self._app(connection, receive, send)


def _refuse_scope(caller: Caller, needed: Scope) -> Response:
    if caller.token is None:
        return problem(401, "a token is needed", HINT, {"WWW-Authenticate": "Bearer"})
    return problem(403, f"this needs the scope {needed.value}; the token has {caller.scope.value}", HINT)
