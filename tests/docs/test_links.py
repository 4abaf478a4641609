"""Every link between the project's documents leads to a file, and to a heading of it."""

import re
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "cluster/**/*.md", "golf/**/*.md", "examples/**/*.md", ".github/*.md")
    for path in ROOT.glob(pattern)
)
PARSER = MarkdownIt("commonmark").enable("table")


class Sources(HTMLParser):
    """Addresses in the HTML of a document: of pictures, their variants, and links."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "srcset", "href") and value]


def tokens_of(document: Path) -> list[Token]:
    """All tokens of a document, those inside of lines included."""
    blocks = PARSER.parse(document.read_text())
    return [token for block in blocks for token in (block, *(block.children or ()))]


def links_of(document: Path) -> list[str]:
    """Addresses inside the project that a document links to."""
    html = Sources()
    links = []
    for token in tokens_of(document):
        if token.type in ("html_block", "html_inline"):
            html.feed(token.content)
        links += [str(value) for name, value in token.attrs.items() if name in ("href", "src")]
    return [link for link in (*links, *html.addresses) if not re.match(r"[a-z]+:", link)]


@cache
def anchors_of(document: Path) -> set[str]:
    """The anchors that GitHub and the pages give a document's headings."""
    blocks = PARSER.parse(document.read_text())
    headings = [after for token, after in pairwise(blocks) if token.type == "heading_open"]
    texts = ["".join(part.content for part in heading.children or ()) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-") for text in texts}


def problem_of(document: Path, link: str) -> str | None:
    """What is wrong with a link, or None."""
    path, _, anchor = unquote(link).partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        return f"{link}: no such file"
    if anchor and anchor not in anchors_of(target):
        return f"{link}: no such heading"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert not [problem for link in links_of(document) if (problem := problem_of(document, link))]


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# A heading\n\n[a](#a-heading) [b](#b) [c](c.md)\n\n<img src="d.svg"> [e](https://e.org)\n')
    problems = [problem_of(page, link) for link in links_of(page)]
    assert problems == [None, "#b: no such heading", "c.md: no such file", "d.svg: no such file"]


def test_the_pages_have_every_document() -> None:
    """A page that no table of contents names cannot be reached."""
    index = (ROOT / "docs/index.md").read_text()
    listed = {line for block in re.findall(r"```\{toctree\}\n(.+?)```", index, re.DOTALL) for line in block.split()}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} <= listed
