"""Hostile text on every way out: terminals, spreadsheets, Markdown, JSON, pages, and ASCII."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.text.escaping import (
    ASCII,
    escape,
    escape_lines,
    escape_markdown,
    escape_markdown_code,
    escape_values,
    is_visible,
    to_ascii,
    to_ascii_page,
    to_chart_text,
    to_csv_field,
    to_json,
)

ANY_TEXT = st.text(st.characters(), max_size=30)
CONTENTS = st.recursive(
    ANY_TEXT | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)
)
HOSTILE = [
    *map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    "\u200b", "\u200d", "\u2028", "\u2029", "\ufeff", "\u00ad", "\ud800", "\udcff", "\U000e0041",
]  # fmt: skip


@pytest.mark.parametrize("char", HOSTILE, ids=ascii)
def test_what_a_reader_would_obey_or_not_see_is_escaped(char: str) -> None:
    shown = escape(f"a{char}b")
    assert shown.isascii() and shown.isprintable() and shown.startswith("a\\") and shown.endswith("b")
    assert json.loads(to_json({f"k{char}": f"v{char}"})) == {f"k{char}": f"v{char}"}
    assert to_json([f"v{char}"]).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "text", ["klora", "naïve 名前 🏌 – ± [red]x[/red]", "e\u0301", "a\u00a0b\u3000c", "back\\slash"]
)
def test_visible_text_stays(text: str) -> None:
    assert escape(text) == text


@given(ANY_TEXT)
def test_escaped_text_is_one_visible_line_and_stays_so(text: str) -> None:
    shown = escape(text)
    assert all(map(is_visible, shown))
    assert escape(shown) == shown and len(shown.splitlines()) <= 1
    assert escape_lines(text).split("\n") == [escape(line) for line in text.split("\n")]
    assert to_ascii(shown).isascii()
    assert escape_values({text: [text, 1, None]}) == {escape_lines(text): [escape_lines(text), 1, None]}


@given(CONTENTS)
def test_json_means_the_same_and_shows_no_control_character(content: object) -> None:
    for only_ascii in (False, True):
        text = to_json(content, only_ascii=only_ascii)
        assert json.loads(text) == content
        assert all(map(is_visible, text.replace("\n", "")))
        assert text.isascii() or not only_ascii


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "-a-name", "=cmd|' /C calc'!A0"]
)
def test_a_formula_is_quoted(text: str) -> None:
    field = to_csv_field(text)
    assert field.startswith("'") and field[1:] == escape(text)


@pytest.mark.parametrize("value", [-1.5, 3, None, True, "a=b", "1e-3", "klora", "a-b"])
def test_numbers_and_plain_text_are_no_formula(value: object) -> None:
    assert to_csv_field(value) == value


@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_a_row_of_a_csv_file_is_one_line_that_no_spreadsheet_runs(texts: list[str]) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([to_csv_field(text) for text in texts])
    assert stream.getvalue().count("\n") == 1
    [row] = csv.reader([stream.getvalue()])
    assert len(row) == len(texts)
    assert not any(field.lstrip().startswith(("=", "+", "-", "@")) for field in row)


def test_a_table_in_a_csv_field_is_json() -> None:
    assert json.loads(to_csv_field({"a": "\x9b\u202e"})) == {"a": "\x9b\u202e"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"), ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("`x`", r"\`x\`"), ("[a](http://b)", r"\[a\](http://b)"),
        ("*a* _b_", r"\*a\* \_b\_"), ("int8_zlib", "int8_zlib"), ("# x", r"\# x"), ("-70,000", "-70,000"),
        ("a\nb", "a b"), ("\x1b[2J", r"\\x1b\[2J"), ("&lt;", "&amp;lt;"), ("@team", "&#64;team"),
    ],
)  # fmt: skip
def test_markdown_shows_text_unchanged(text: str, shown: str) -> None:
    assert escape_markdown(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("eval.lr", "`eval.lr`"), ("a`b", "`` a`b ``"), ("a|b", r"`a\|b`")])
def test_code_in_markdown_cannot_end_itself(text: str, shown: str) -> None:
    assert escape_markdown_code(text) == shown


def test_ascii_has_signs_like_our_own_and_escapes_the_rest() -> None:
    assert to_ascii("1.08 ± 0.01 · 3 … – → ≤ é 名") == r"1.08 +/- 0.01 | 3 ... - -> <= \xe9 \u540d"
    assert all(value.isascii() and value.isprintable() for value in ASCII.values())


def test_a_page_in_ascii_means_the_same() -> None:
    page = '<p>é – 名</p><script type="a">var a = "é🏌";</script><p>±</p>'
    text = to_ascii_page(page)
    assert text.isascii()
    assert (
        text == '<p>&#233; &#8211; &#21517;</p><script type="a">var a = "\\u00e9\\ud83c\\udfcc";</script><p>&#177;</p>'
    )


def test_a_label_of_a_chart_has_no_tags() -> None:
    assert to_chart_text("<a href='x'>&\u202e") == "&lt;a href='x'>&amp;\\u202e"
