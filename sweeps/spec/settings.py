"""Nested settings, as TOML gives them, and their dotted names: {"eval": {"lr": 1}} is eval.lr = 1."""

import difflib
from collections.abc import Container, Iterable, Mapping
from typing import Any

Settings = Mapping[str, Any]


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


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that a key is not among those known, and which of them is nearest."""
    return f"{name}: unknown key; {suggest(name, known)}"


def suggest(name: str, known: Iterable[str]) -> str:
    """The known name nearest to one that is not known, or all of them where none is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
