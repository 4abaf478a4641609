"""Nested settings, as TOML gives them, and their dotted names: {"eval": {"lr": 1}} is eval.lr = 1."""

import difflib
from collections.abc import Container, Iterable, Mapping
from typing import Any

from golf.errors import MOST_SHOWN, shown_name

Settings = Mapping[str, Any]
MOST_KNOWN = 30
"""Names that a suggestion lists where none is near."""


def flatten(table: Settings, whole: Container[str] = (), prefix: str = "") -> dict[str, Any]:
    """Values by dotted name; a table whose name is in `whole` is a value itself."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        is_table = isinstance(value, Mapping) and path not in whole
        flat |= flatten(value, whole, f"{path}.") if is_table else {path: value}
    return flat


def nest(dotted: Settings) -> dict[str, Any]:
    """Nested tables from values by dotted name, the inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for name, value in dotted.items():
        table = nested
        *path, last = name.split(".")
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return nested


def merge(below: Settings, above: Settings) -> dict[str, Any]:
    """Nested tables, `above` winning."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def unknown(name: str, known: Iterable[str], *, inner: Iterable[str] = (), most: int = 1) -> str:
    """Say that a key is not among those known, and which are nearest; see `suggest`."""
    return f"{shown_name(name)}: unknown key; {suggest(name, known, inner=inner, most=most)}"


def suggest(name: str, known: Iterable[str], *, inner: Iterable[str] = (), most: int = 1) -> str:
    """The known names nearest to one that is not known, or all of them where none is near.

    Args:
        name: what was given.
        known: what would be right in its place.
        inner: dotted names of what is inside of these: whoever writes "epochs" may mean eval.epochs.
        most: how many to name.
    """
    known, inner = list(known), list(inner)
    near = [other for other in inner if other.endswith(f".{name}")]
    near = near or difflib.get_close_matches(name[:MOST_SHOWN], known, most, 0.5)
    near = near or difflib.get_close_matches(name[:MOST_SHOWN], inner, most, 0.6)
    if near:
        return f"did you mean {' or '.join((', '.join(near[:-1]), near[-1]) if near[1:] else near)}?"
    more = f", … ({len(known)} in all)" if len(known) > MOST_KNOWN else ""
    return f"known are {', '.join(known[:MOST_KNOWN]) or 'none'}{more}"
