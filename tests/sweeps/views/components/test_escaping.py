"""No component lets a name, a setting or a message become markup, or a sign that a browser obeys."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweeps.text.escaping import is_visible
from sweeps.views.components.drawing import FOLDERS, draw
from tests.sweeps.views.components.examples import EXAMPLES


class Shape(HTMLParser):
    """Tags and names of attributes of some markup, in their order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attributes)))


def shape_of(kind: str, text: str) -> list[tuple[str, ...]]:
    component = EXAMPLES[kind](text)
    assert component is not None
    markup = str(draw(component))
    assert [char for char in markup if not is_visible(char) and char != "\n"] == []
    return Shape(markup).tags


@pytest.mark.parametrize("kind", EXAMPLES)
@settings(max_examples=12, deadline=None)
@given(text=st.text(min_size=1, max_size=12).filter(str.strip))
@example(text="<script>alert(1)</script>")
@example(text="\"'><img src=x onerror=alert(1)>")
@example(text="\u202eabc\u0007\x1b[2J")
@example(text="{{ 7 * 7 }}{% raw %}&lt;")
def test_foreign_text_changes_no_tag_and_no_attribute(kind: str, text: str) -> None:
    assert shape_of(kind, text) == shape_of(kind, " ".join("x" * len(word) for word in text.split()))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_markup_needs_no_inline_style_or_handler(kind: str) -> None:
    """A strict content security policy refuses them."""
    names = {name for _, *attributes in shape_of(kind, "plain") for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}


def test_every_template_belongs_to_a_component_or_is_included_by_one() -> None:
    folder = FOLDERS[0]
    shared = {"charts/figure.html.j2", "charts/plot.html.j2", "charts/data_table.html.j2"}
    sources = "".join(path.read_text() for path in folder.rglob("*.py"))
    for template in folder.rglob("*.j2"):
        name = str(template.relative_to(folder))
        assert name in shared or f'"{name}"' in sources, name
