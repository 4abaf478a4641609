"""Reading a sweep file: bounded, whatever the path names, as plain data of bounded depth."""

import json
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from golf.errors import InputError
from sweeps.spec.settings import merge, nest

MOST_BYTES = 1_000_000
"""Size of the largest sweep file."""
MOST_DEPTH = 20
"""Tables and lists within one another, at most; a sweep file needs six."""
LISTS = {"'arm',": "arm", "'search', 'first'": "search.first"}
"""Tables of which a file may have several, as Python's parser and as people write them."""
_EXPECTED = "expected a sweep file in TOML"
_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"(?<![A-Za-z0-9_\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MOST_DEPTH}}}(?=[A-Za-z0-9_\"'-])")
"""A key of more than `MOST_DEPTH` parts; it takes time in proportion to the text, whatever that is."""
_TWICE = re.compile(r"Cannot declare \((?P<table>.*?)\) twice")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a sweep file.

    Raises:
        InputError: it is no file, too large, empty, not UTF-8, or not TOML.
    """
    try:
        content = _read(path) if stat.S_ISREG(path.stat().st_mode) else None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be read ({reason}); {_EXPECTED}") from None
    if content is None:  # a folder, or a device that never ends
        raise InputError(f"{path}: not a file; {_EXPECTED}")
    return parse_toml(content, str(path))


def parse_toml(content: bytes, where: str) -> dict[str, Any]:
    """The tables of a sweep file that was read already.

    Args:
        content: of the file.
        where: what each problem names first.

    Raises:
        InputError: it is too large, empty, not UTF-8, or not TOML.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{where}: more than {MOST_BYTES:,} bytes; {_EXPECTED}, which is smaller")
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a byte-order mark
    except UnicodeDecodeError:
        raise InputError(f"{where}: not UTF-8 text; {_EXPECTED}") from None
    if not text.strip():
        raise InputError(f"{where}: empty; {_EXPECTED}")
    try:
        return load_toml(text)
    except tomllib.TOMLDecodeError as error:
        twice = _TWICE.match(str(error))
        name = LISTS.get(twice["table"]) if twice else None
        hint = f"write [[{name}]] above each, not [{name}]" if name else _EXPECTED
        raise InputError(f"{where}: not TOML: {_first_line(error)}; {hint}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{where}: not TOML: {_reason(error)}; {_EXPECTED}") from None


def load_toml(text: str) -> dict[str, Any]:
    """The tables of a text in TOML.

    Raises:
        ValueError: it is not TOML, or one of its keys has more than `MOST_DEPTH` levels. The time that Python's parser
            takes grows with their square: hours for a key of a megabyte.
    """
    if (deep := _DEEP_KEY.search(text)) is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise ValueError(f"keys nested deeper than {MOST_DEPTH} levels (line {line})")
    return tomllib.loads(text)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """`--set` values as nested tables: TOML values, bare words as strings.

    Raises:
        InputError: a line for each that is not of the form key=value.
    """
    parsed: dict[str, Any] = {}
    problems: list[str] = []
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if problem := _assignment_problem(name, equals, text):
            problems.append(f"--set {_short(assignment)}: {problem}")
            continue
        try:
            table = load_toml(f"value = {text}")
            value = table["value"] if len(table) == 1 else text.strip()
        except tomllib.TOMLDecodeError:
            value = text.strip()
        except (RecursionError, ValueError) as error:
            problems.append(f"--set {_short(assignment)}: {_reason(error)}; expected a TOML value")
            continue
        parsed = merge(parsed, nest({name: value}))
    if problems:
        raise InputError(*problems)
    return parsed


def plain(source: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A file's tables as the store keeps them: dates as text, and no negative zero, which would make another job key.

    Raises:
        InputError: tables or lists are nested too deep, or a number is too long.
    """
    if (path := next(_too_deep(source), None)) is not None:
        raise InputError(f"{where}: {path}…: nested deeper than {MOST_DEPTH} levels; expected the keys of a sweep file")
    try:
        content = json.dumps(source, default=str, ensure_ascii=False)
        content.encode()
    except ValueError as error:  # a whole number of thousands of digits, or half a character
        raise InputError(f"{where}: {_reason(error)}; {_EXPECTED}") from None
    loaded: dict[str, Any] = json.loads(content, parse_float=_without_sign_of_zero)
    return loaded


def date_problems(source: Mapping[str, Any], allowed: str = "budget.deadline") -> Iterator[str]:
    """A line for each date or time in a file, except at the one key that takes one."""
    left: list[tuple[Any, str]] = [(source, "")]
    while left:
        value, path = left.pop()
        if isinstance(value, Mapping):
            left += [(inner, f"{path}.{name}".lstrip(".")) for name, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [(inner, path) for inner in value]
        elif isinstance(value, date | time) and path != allowed:
            yield f"{path} = {value}: a date or time; expected a number, or text in quotes"


def _without_sign_of_zero(text: str) -> float:
    return float(text) or 0.0


def _assignment_problem(name: str, equals: str, text: str) -> str | None:
    parts = name.split(".")
    if not equals or not all(part.replace("_", "").replace("-", "").isalnum() for part in parts):
        return 'not an assignment; expected key=value, e.g. "eval.epochs=4"'
    if len(parts) > MOST_DEPTH:
        return f"{len(parts)} levels; expected a key of the sweep file"
    if not (name + text).isascii() and any("\ud800" <= character <= "\udfff" for character in name + text):
        return "not UTF-8 text; expected key=value"
    return None


def _too_deep(source: Any) -> Iterator[str]:
    """Where values are nested too deep, without recursion."""
    left: list[tuple[Any, int, str]] = [(source, 0, "")]
    while left:
        value, depth, path = left.pop()
        if depth > MOST_DEPTH:
            yield path[:40]
            return
        if isinstance(value, Mapping):
            left += [(inner, depth + 1, f"{path}.{name}".lstrip(".")) for name, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [(inner, depth + 1, path) for inner in value if isinstance(inner, Mapping | list | tuple)]


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"brackets nested deeper than {MOST_DEPTH} levels"
    if isinstance(error, UnicodeError):
        return "text with characters that UTF-8 lacks"
    return "a whole number of thousands of digits" if "digits" in str(error) else _first_line(error)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _short(assignment: str) -> str:
    """An assignment as an error shows it."""
    text = assignment if len(assignment) <= 60 else f"{assignment[:59]}…"
    return text if text.isprintable() else ascii(text)
