"""From prepared content to a page within the site's frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup

from jobs.state import Scope
from sweeps.views.components.drawing import make_environment
from sweeps.web.security.access import Caller

FOLDER = Path(str(files("sweeps.web.pages")))
ASSETS = Path(str(files("sweeps.views.components"))) / "assets"
LINKS = (
    ("Leaderboard", "/"),
    ("Sweeps", "/sweeps"),
    ("Compare", "/compare"),
    ("Records", "/records"),
    ("Submit", "/submit"),
    ("Cluster", "/cluster"),
    ("Activity", "/activity"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePart:
    """What a page shows to everybody, whoever asks for it."""

    title: str
    facts: str = ""
    body: Markup


@cache
def _environment() -> Environment:
    return make_environment(FOLDER / "templates")


def draw_part(template: str, **content: Any) -> Markup:
    """What a template makes of some content."""
    return Markup(_environment().get_template(template).render(**content))


def show_part(request: Request, part: PagePart, events: str) -> HTMLResponse:
    """A page around what was drawn before."""
    return show(request, "kept_page.html.j2", events=events, part=part)


def show(
    request: Request, template: str, *, status: int = 200, events: str = "", headers: Mapping[str, str] | None = None,
    **content: Any,
) -> HTMLResponse:  # fmt: skip
    """A page.

    Args:
        request: what it answers.
        template: its own part.
        status: of the answer.
        events: address of the stream of events on which it is renewed; empty: it stays as it is.
        headers: of the answer.
        content: what the template shows.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    frame = {
        "links": LINKS,
        "here": request.url.path,
        "events": _continued(request, events),
        "caller": "" if caller is None else caller.owner,
        "has_token": caller is not None and caller.token is not None,
        "may_submit": caller is not None and caller.scope.includes(Scope.SUBMIT),
    }
    text = _environment().get_template(template).render(**frame, **content)
    return HTMLResponse(text, status_code=status, headers=headers)


def _continued(request: Request, events: str) -> str:
    """The address of a stream that goes on where a page ends, so that nothing is lost between the two."""
    after = getattr(request.state, "last_event", None)
    return events if not events or after is None else f"{events}?after={after}"
