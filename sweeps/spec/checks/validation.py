"""Settings of a recipe's section as golf's configuration, and a line for each setting that is wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from golf.errors import InputError, shown
from sweeps.spec.settings import Settings, unknown

T = TypeVar("T")


def validated(kind: type[T], settings: Settings) -> T:
    """A configuration from plain settings.

    Raises:
        ValidationError: a setting is wrong; `section_problems` says it in words.
    """
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))
    return adapter.validate_json(json.dumps(settings), strict=True)


def section_problems(section: str, kind: type[Any], settings: Settings) -> list[str]:
    """Everything that is wrong with a section's settings, a line each, with the setting's dotted name.

    A value of the wrong type hides what is wrong with the others: the rest is checked once more without it.
    """
    problems: list[str] = []
    dropped: list[str] = []
    while True:
        try:
            validated(kind, settings)
            return problems
        except ValidationError as error:
            for line in _explain(error, section, kind):
                # What stands in for a dropped setting is the default, of which nothing must be said.
                if line not in problems and not any(name in line for name in dropped):
                    problems.append(line)
            wrong = [detail for detail in error.errors() if not _is_range_error(detail)]
        paths = [[str(part) for part in detail["loc"] if not _is_branch(part)] for detail in wrong]
        if not all(paths) or not paths:
            return problems
        for path in paths:
            settings = _without(settings, path)
            dropped.append(".".join([section, *path]))


def setting_names(kind: type[Any], prefix: str) -> list[str]:
    """Dotted names of every setting of a configuration, tables included."""
    names: list[str] = []
    for field in fields(kind):
        inner = get_type_hints(kind)[field.name]
        path = f"{prefix}.{field.name}"
        is_table = isinstance(inner, type) and is_dataclass(inner)
        names += [path, *(setting_names(inner, path) if is_table else [])]
    return names


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _without(settings: Settings, path: Sequence[str]) -> dict[str, Any]:
    """Nested settings without the value at a path, or without the list that the path leads into."""
    first, *rest = path
    inner = settings.get(first)
    if rest and isinstance(inner, Mapping):
        return {**settings, first: _without(inner, rest)}
    return {name: value for name, value in settings.items() if name != first}


def _explain(error: ValidationError, section: str, kind: type[Any]) -> list[str]:
    problems: dict[str, list[str]] = {}
    for detail in error.errors():
        path: Sequence[str | int] = [part for part in detail["loc"] if not _is_branch(part)]
        name = ".".join([section, *map(str, path)])
        # A value of a union has an error for each of its types; the first says enough.
        if not any(f"{name}.".startswith(f"{known}.") for known in problems):
            problems[name] = _explain_detail(detail, name, section, kind)
    return [line for lines in problems.values() for line in lines]


def _explain_detail(detail: ErrorDetails, name: str, section: str, kind: type[Any]) -> list[str]:
    if detail["type"] == "unexpected_keyword_argument":
        return [unknown(name, setting_names(kind, section))]
    if _is_range_error(detail):
        return list(detail["ctx"]["error"].problems)
    return [f"{name} = {shown(detail['input'])}: {detail['msg'][0].lower()}{detail['msg'][1:]}"]


def _is_range_error(detail: ErrorDetails) -> bool:
    """Whether the configuration itself refused its values, all of which have the right type."""
    return isinstance(detail.get("ctx", {}).get("error"), InputError)


def _is_branch(part: str | int) -> bool:
    """Whether part of a location is pydantic's name of a union's branch, not a key."""
    return isinstance(part, str) and (part in ("float", "int", "none") or "[" in part)
