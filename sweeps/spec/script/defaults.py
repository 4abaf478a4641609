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
                tells = (
                    "the script's source tells no default" if default is None else f"{json.dumps(default)} is outside"
                )
                problems.append(f"{spec.name}: search.first {number}: {key}: missing, and {tells}; give it a value")
            complete[key] = value
        first.append({key: complete[key] for key in spec.search.space})
    if problems:
        raise InputError(*problems)
    return replace(spec, search=replace(spec.search, first=tuple(first)))
