"""Every file is UTF-8 whatever the locale: no call leaves the encoding of text to it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("golf", "jobs", "cluster", "sweeps", "benchmarks")
TEXT_CALLS = frozenset({"read_text", "write_text"})
OPENERS = frozenset({"open", "fdopen", "NamedTemporaryFile", "TemporaryFile", "TextIOWrapper"})
SUBPROCESS_SWITCHES = frozenset({"text", "universal_newlines"})


def find_calls(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every call that opens text, or reads it of a process, in the locale's encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        keywords = {keyword.arg for keyword in node.keywords}
        if "encoding" in keywords:
            continue
        texts = [value.value for value in ast.walk(node) if isinstance(value, ast.Constant)]
        modes = [text for text in texts if isinstance(text, str) and 0 < len(text) <= 3 and set(text) <= set("rwxab+t")]
        positional = 2 if name == "write_text" else 1
        switched = any(word.arg in SUBPROCESS_SWITCHES and _is_true(word.value) for word in node.keywords)
        reads_text = name in TEXT_CALLS and len(node.args) < positional and not _is_formatter(node)
        opens_text = name in OPENERS and not any("b" in mode for mode in modes) and _opens_text(node, name, modes)
        if switched or reads_text or opens_text:
            yield node.lineno, name


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_formatter(node: ast.Call) -> bool:
    """Whether it is click's formatter, whose write_text writes no file."""
    return isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "formatter"


def _opens_text(node: ast.Call, name: str, modes: list[str]) -> bool:
    """Whether a call opens a file: `.open()` is a method of much else, which takes no mode."""
    if name in ("TemporaryFile", "NamedTemporaryFile"):
        return bool(modes)
    if name == "TextIOWrapper":
        return len(node.args) < 2
    return bool(modes) or isinstance(node.func, ast.Name)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_text_is_read_or_written_in_the_encoding_of_the_locale(package: str) -> None:
    places = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, name in find_calls(path.read_text(encoding="utf-8"))
    ]
    assert places == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ('open("a")', 1), ('open("a", "rb")', 0), ('open("a", "w", encoding="utf-8")', 0), ('path.open("a")', 1),
        ('path.open("ab")', 0), ("path.read_text()", 1), ('path.read_text("utf-8")', 0), ('path.write_text("x")', 1),
        ('path.write_text("x", encoding="utf-8")', 0), ("run([], text=True)", 1), ("store.open(url)", 0),
    ],
)  # fmt: skip
def test_each_form_is_noticed(source: str, number: int) -> None:
    assert len(list(find_calls(source))) == number
