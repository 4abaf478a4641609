"""Logging in: the token goes into a cookie that no script can read, and that no other site's page can send."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from golf.errors import InputError
from sweeps.web.pages.forms.fields import read_fields
from sweeps.web.pages.rendering import show
from sweeps.web.security.access import COOKIE

router = APIRouter(include_in_schema=False)
DAY = 86400


@router.get("/login")
def ask(request: Request, next: str = "/") -> Response:
    """The form."""
    request.state.caller = None
    return show(request, "login_page.html.j2", problem="", next=_within(next))


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Check the token, and remember it in this browser."""
    request.state.caller = None
    try:
        fields = await read_fields(request)
    except InputError:  # no form of ours, and so no token
        fields = {}
    text, target = fields.get("token", "").strip(), _within(fields.get("next", "/"))
    token = await run_in_threadpool(request.app.state.service.place.store.find_token, text)
    if token is None:
        problem = "This token is not known, has expired, or was revoked."
        return show(request, "login_page.html.j2", status=401, problem=problem, next=target)
    answer = RedirectResponse(target, status_code=303)
    secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    answer.set_cookie(COOKIE, text, max_age=30 * DAY, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def log_out() -> Response:
    """Forget the token in this browser."""
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _within(target: str) -> str:
    """An address of this site; any other becomes its first page.

    Browsers take `//host` and `/\\host` for other sites, and ignore control characters.
    """
    plain = target.isprintable() and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and "\\" not in target else "/"
