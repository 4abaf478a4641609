"""Which scope a request needs, who sends it, and the gate that refuses it before its body is read."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from jobs.errors import StoreUnavailable
from jobs.remote.methods import METHODS
from jobs.state import Scope
from jobs.store.kept import KeptStore
from sweeps.web.addresses import SHARED
from sweeps.web.problems import problem
from sweeps.web.service import Service

COOKIE = "golfsweep_token"
OPEN = ("/healthz", "/readyz", "/openapi.json", "/login")
"""Paths that need no token to read: they say nothing of anybody's work."""
OPEN_BELOW = ("/static/", SHARED)
"""What begins so needs none either: a share link shows its own secret."""
LOGIN = ("/login", "/logout")
"""What anybody may send: a token to be checked, and the wish to be forgotten."""
ADMIN = ("/api/v1/tokens", "/api/v1/webhooks")
ADMIN_WRITES = ("/api/v1/cluster", "/cluster")
"""Below which everybody may read, and only an administrator may change something."""
STORE = "/api/v1/store/"
"""Before the name of a method, which needs its own scope whether or not it changes anything."""
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
    if method in SAFE and (path in OPEN or path.startswith(OPEN_BELOW)):
        return None
    if method == "POST" and path in LOGIN:
        return None
    if any(_is_below(path, prefix) for prefix in (ADMIN if method in SAFE else ADMIN + ADMIN_WRITES)):
        return Scope.ADMIN
    if path.startswith(STORE) and (called := METHODS.get(path.removeprefix(STORE))) is not None:
        return called.scope
    return Scope.READ if method in SAFE else Scope.SUBMIT


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def token_of(headers: Headers) -> str | None:
    """The token that a request shows, in its header or a browser's cookie; None without one."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and text.strip():
        return text.strip()
    return cookie_parser(headers.get("cookie", "")).get(COOKIE) or None


def is_foreign(headers: Headers, method: str) -> bool:
    """Whether a browser sends a request that changes something for the page of another site (OWASP, CSRF).

    Browsers say so in Sec-Fetch-Site; those that do not yet name the page's site in Origin.
    """
    if method in SAFE:
        return False
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def is_page(path: str) -> bool:
    """Whether a path is for browsers."""
    return not path.startswith("/api/") and path != "/metrics"


def login_address(path: str, query: str) -> str:
    """Where somebody without a token is sent, and from there back to what was asked for."""
    target = f"{path}?{query}" if query else path
    return "/login" if target == "/" else f"/login?next={quote(target, safe='')}"


class Gate:
    """Lets a request pass whose token has the scope that it needs; its `state.caller` is who sends it."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._store = KeptStore.of(service.place.store)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if connection["type"] != "http":
            return await self._app(connection, receive, send)
        headers, method = Headers(scope=connection), connection["method"]
        connection.setdefault("state", {})["caller"] = ANYBODY
        if is_foreign(headers, method):
            refusal = problem(403, "another site's page sent this", "open this service's own page")
            return await refusal(connection, receive, send)
        needed = required_scope(method, connection["path"])
        if needed is None:
            return await self._app(connection, receive, send)
        with self._store.as_of_now():
            await self._pass(needed, headers, connection, receive, send)

    async def _pass(
        self, needed: Scope, headers: Headers, connection: Connection, receive: Receive, send: Send
    ) -> None:
        """Answer a request whose token has the scope that it needs."""
        text, method = token_of(headers), connection["method"]
        try:
            token = None if text is None else await run_in_threadpool(self._store.find_token, text)
        except StoreUnavailable:
            refusal = problem(503, "the database does not answer", "the same request may succeed later")
            return await refusal(connection, receive, send)
        if token is not None:
            caller = Caller(owner=token.owner, scope=Scope(token.scope), token=token.id)
        elif text is None and self._service.public:
            caller = ANYBODY
        else:
            if is_page(connection["path"]) and method in SAFE:
                query = connection["query_string"].decode("latin-1")
                return await RedirectResponse(login_address(connection["path"], query), 303)(connection, receive, send)
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
