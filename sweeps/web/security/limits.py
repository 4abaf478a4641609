"""Bounds of requests: how many in a minute, and how large."""

from contextlib import suppress

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sweeps.web.addresses import SHARED
from sweeps.web.problems import problem
from sweeps.web.security.access import token_of

WORK = ("/api/v1/store/", "/api/v1/contents/")
"""Paths of what schedulers send, many small requests each second."""
TOKENS = 20
"""An address may send as many requests as this many tokens, however many it shows, true or not."""


class RateLimit:
    """Refuses whoever sends more requests in a minute than allowed, before a token is looked up."""

    def __init__(self, app: ASGIApp, per_minute: int, work_per_minute: int, share_per_minute: int) -> None:
        """Allow so many requests of the paths in `WORK`, so many of share links, and so many of all others."""
        self._app = app
        self._limit = RateLimitItemPerMinute(per_minute, namespace="read")
        self._work_limit = RateLimitItemPerMinute(work_per_minute, namespace="work")
        self._share_limit = RateLimitItemPerMinute(share_per_minute, namespace="share")
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http" or self._is_within(scope):
            return await self._app(scope, receive, send)
        refusal = problem(429, "too many requests in a minute", "wait, or follow /api/v1/events", {"Retry-After": "60"})
        await refusal(scope, receive, send)

    def _is_within(self, scope: Scope) -> bool:
        limit, sender = self._limit_of(scope)
        of_address = RateLimitItemPerMinute(TOKENS * limit.amount, namespace=f"{limit.namespace} of an address")
        return self._limiter.hit(limit, sender) and self._limiter.hit(of_address, _address(scope))

    def _limit_of(self, scope: Scope) -> tuple[RateLimitItemPerMinute, str]:
        """The limit of a request, and by what it is counted."""
        if scope["path"].startswith(SHARED):
            return self._share_limit, _address(scope)
        return self._work_limit if scope["path"].startswith(WORK) else self._limit, _sender(scope)


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("?", 0))[0])


def _sender(scope: Scope) -> str:
    """By which requests are counted: the address, and the id of the token that is shown, true or not.

    Every guess of one id counts as the same sender; `TOKENS` bounds whoever shows other ids.
    """
    text = token_of(Headers(scope=scope)) or ""
    return f"{_address(scope)} {text.split('_')[1][:8] if text.count('_') > 1 else ''}"


class BodyLimit:
    """Refuses a body that is too large: by what it says of itself, or when more of it comes."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._most = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > self._most:
            return await self._refuse(scope, receive, send)
        taken, begun = 0, False

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message if taken <= self._most else {"type": "http.disconnect"}

        async def send_some(message: Message) -> None:
            nonlocal begun
            if begun or taken <= self._most:
                begun = True
                await send(message)

        with suppress(ClientDisconnect):  # as we said above, or because the client has left amid its body
            await self._app(scope, receive_some, send_some)
        if taken > self._most and not begun:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = problem(413, "the request is too large", f"at most {self._most:,} bytes")
        await refusal(scope, receive, send)
