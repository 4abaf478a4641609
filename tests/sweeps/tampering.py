"""Changing every stored field of an entry in turn, as one who can write to the database could."""

import copy
from collections.abc import Iterator
from typing import Any

from jobs.store import EntryRecord

Place = tuple[str | int, ...]
FURTHER = {1, 2, "4", "5", "7"}
"""Seeds of which there are several alike: the first of each kind stands for them."""


def list_places(value: Any, path: Place = ()) -> Iterator[Place]:
    """The path of every scalar and every empty container in nested data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for key, item in items for place in list_places(item, (*path, key))]
    yield from inner or [path]


def change(value: Any, path: Place) -> Any:
    """A copy of nested data in which the value at a path is another one of its kind."""
    if path:
        copied = copy.copy(value)
        copied[path[0]] = change(value[path[0]], path[1:])
        return copied
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 1.001 + 1e-6
        case str():
            return ("0" if value[:1] != "0" else "1") + value[1:]
        case None:
            return 1
        case []:
            return [1]
    return {"more": 1}


def fields_of(entry: EntryRecord) -> dict[str, Any]:
    return {"content": dict(entry.content), "evidence": dict(entry.evidence)}


def name_of(path: Place) -> Place:
    """A path without the numbers of seeds."""
    return tuple(part for part in path if not isinstance(part, int))
