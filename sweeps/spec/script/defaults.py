"""First trials of a search that leave variables out: the script's own defaults complete them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from golf.errors import InputError
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.code import ScriptCode
from sweeps.spec.script.space import split_key, stored_value


def with_defaults(spec: SweepSpec, code: ScriptCode) -> SweepSpec:
    """The sweep with its first trials complete.

    Raises:
        InputError: the script's source does not tell a value, or tells one that search.space does not have.
    """
    if spec.search is None:
        return spec
    problems, first = list[str](), list[Mapping[str, Any]]()
    for number, given in enumerate(spec.search.first, 1):
        complete = dict(given)
        for key, parameter in spec.search.space.items():
            if key in complete:
                continue
            name = split_key(key)[1]
            default = None if name is None else code.names.get(name)
            value = None if default is None else stored_value(default, parameter)
            if value is None:
                where = f"{spec.name}: search.first {number}: {key}"
                problems.append(f"{where}: missing, and {_why_none(default)}")
            complete[key] = value
        first.append({key: complete[key] for key in spec.search.space})
    if problems:
        raise InputError(*problems)
    return replace(spec, search=replace(spec.search, first=tuple(first)))


def _why_none(default: str | None) -> str:
    """Why a script's default does not complete a first trial, and what would."""
    if default is None:
        return "the script's source tells no default; give it a value"
    return (
        f"the script's default {json.dumps(default)} is not in search.space; give it a value, or add the default there"
    )
