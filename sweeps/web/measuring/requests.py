"""A line for each request, as JSON on standard error, and how long requests took."""

import json
import sys
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sweeps.web.addresses import SHARED
from sweeps.web.measuring.metrics import Metrics

PREFIX = "/api/v1"
MOST_ID_CHARACTERS = 64
MOST_PATH_CHARACTERS = 200
LEFT = 499
"""Stands for the status where the client has left before it was answered, as in the logs of nginx."""
QUIET = ("/healthz", "/readyz", "/metrics")
"""Paths that are asked for every few seconds; they are measured, and get a line only when they fail."""


def write_line(line: str) -> None:
    """Write a line of the log."""
    print(line, file=sys.stderr, flush=True)


class RequestLog:
    """Times every request, gives it an id, and writes who asked for what and how it was answered.

    Neither a query, a header nor the secret part of a share link is written.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, write: Callable[[str], None] = write_line) -> None:
        self._app, self._metrics, self._write = app, metrics, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given, status = Headers(scope=scope).get("x-request-id", ""), LEFT
        is_plain = 0 < len(given) <= MOST_ID_CHARACTERS and given.isascii() and given.replace("-", "").isalnum()
        name = given if is_plain else uuid.uuid4().hex
        began = time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            status = 500
            raise
        finally:
            seconds = time.monotonic() - began
            route = _route_of(scope)
            is_stream = route.endswith("/events")
            if not is_stream:  # it lasts as long as its reader stays
                self._metrics.observe(scope["method"], route, status, seconds)
            if scope["path"] not in QUIET or status >= 500:
                self._write(_describe(name, scope, status, seconds))


def _route_of(scope: Scope) -> str:
    """The route that answered, without what stood in the place of its parameters; `other` if none did."""
    path: str = getattr(scope.get("route"), "path", "other")
    is_api = scope["path"].startswith(f"{PREFIX}/") and path != "other"
    return f"{PREFIX}{path}" if is_api and not path.startswith(PREFIX) else path  # of a router within a router


def _describe(name: str, scope: Scope, status: int, seconds: float) -> str:
    caller = scope.get("state", {}).get("caller")
    facts = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "id": name,
        "owner": None if caller is None or caller.token is None else caller.owner,
        "token": None if caller is None else caller.token,
        "method": scope["method"],
        "path": f"{SHARED}…" if scope["path"].startswith(SHARED) else scope["path"][:MOST_PATH_CHARACTERS],
        "status": status,
        "ms": round(1000 * seconds, 1),
    }
    return json.dumps(facts)
