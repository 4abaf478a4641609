"""The generated parts of the pages are those that the code makes now."""

import re
from pathlib import Path

import pytest

from docs.generate.blocks import fill_blocks
from docs.generate.pages import GENERATED
from docs.generate.settings import TABLES, settings_of
from golf.ttt import EvalConfig
from sweeps.spec.sections import Section


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.name)
def test_a_page_is_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert fill_blocks(text, GENERATED[page]()) == text, f"docs/{page.name} is out of date: run make reference"


def test_a_new_setting_without_a_docstring_is_an_error() -> None:
    class Documented(Section):
        first: int = 1
        """What it is."""

    class Bare(Section):
        first: int = 1

    (row,) = settings_of("table", Documented)
    assert (row.name, row.kind, row.default, row.meaning) == ("table.first", "whole number", "`1`", "What it is.")
    with pytest.raises(ValueError, match=r"Bare\.first: a setting without a docstring"):
        settings_of("table", Bare)


def test_ranges_of_a_recipe_are_those_that_its_class_checks() -> None:
    kinds = {row.name: row.kind for row in settings_of("eval", EvalConfig)}
    assert kinds["eval.epochs"] == "whole number, 1 to 1,000"
    assert kinds["eval.chunk_decay"] == "number, above 0, to 1"
    assert kinds["eval.precision"] == '`"auto"`, `"float32"`, `"bfloat16"`'


def test_a_block_that_the_page_lacks_is_an_error() -> None:
    page = "<!-- generated: a -->\nold\n<!-- end -->\n"
    assert fill_blocks(page, {"a": "new"}) == "<!-- generated: a -->\n\nnew\n\n<!-- end -->\n"
    with pytest.raises(ValueError, match="differ: b"):
        fill_blocks(page, {"a": "new", "b": "lost"})


def test_every_section_of_a_sweep_file_has_a_table() -> None:
    def below(kind: type) -> set[type]:
        return {kind, *(inner for part in kind.__subclasses__() for inner in below(part))}

    sections = {kind for kind in below(Section) if kind.__module__.startswith("sweeps.") and kind is not Section}
    assert sections <= set(TABLES.values()), re.sub(r"\s+", " ", str(sections))
