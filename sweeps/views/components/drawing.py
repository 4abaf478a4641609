"""From prepared data to markup: one environment, in which all text is escaped."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sweeps.text.escaping import escape_lines
from sweeps.views.wording import format_p

FOLDERS = (
    Path(str(files("sweeps.views.components"))),
    Path(str(files("sweeps.views.report"))) / "templates",
)
"""Where templates are."""


class Component(Protocol):
    """Prepared data that has a template."""

    template: ClassVar[str]
    """Its path below the room of components."""


def draw(component: Component) -> Markup:
    """The markup of a component; its template sees it as `c`."""
    return Markup(_environment().get_template(component.template).render(c=component).strip())


def render(template: str, **content: Any) -> str:
    """A whole page, which may draw components."""
    return _environment().get_template(template).render(**content)


def read_asset(name: str) -> Markup:
    """The stylesheet or the script, for a page that carries it inside."""
    return Markup((FOLDERS[0] / "assets" / name).read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    return make_environment()


def make_environment(*folders: Path) -> Environment:
    """What renders templates of these folders and of this room; all text is escaped."""
    environment = Environment(
        loader=FileSystemLoader([*folders, *FOLDERS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_show_foreign_text,
    )
    environment.filters["p"] = format_p
    environment.globals["draw"] = draw
    environment.globals["asset"] = read_asset
    return environment


def _show_foreign_text(value: Any) -> Any:
    """Text for a page: characters that a browser would obey are shown as escapes; markup of our own stays."""
    return escape_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
