"""Problems that wrong values hide: rules between settings are checked once more with the wrong ones out of the way."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from golf.errors import InputError
from sweeps.search.samplers.sampler import MOST_TRIALS

ROUNDS = 4
"""Looks at a file; each may bring up values that only the next one can leave out."""
STAND_INS: Mapping[str, Any] = {
    "name": "sweep",
    "data": {"tokens": "tokens", "tokenizer": "tokenizer"},
    "data.tokens": "tokens",
    "seeds": {"confirm": [0]},
    "seeds.confirm": [0],
    "search.trials": MOST_TRIALS,
}
"""Values that a file must have, and with which no rule finds fault."""
RECIPE = ("train", "quantize", "eval")
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME = re.compile(rf"{_WORD}(?:\.{_WORD})*")
_MEANT = re.compile(rf"unknown key; did you mean (?P<table>(?:{_WORD}\.)*)(?P<name>{_WORD})\?$")
_PLACE = re.compile(r'(?:arm (?:"(?P<arm>[^"]*)"|(?P<number>\d+)): )?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)')


def find_all(
    source: Mapping[str, Any], problems: Sequence[str], where: str, parse: Callable[[Mapping[str, Any], str], object]
) -> list[str]:
    """All problems of a file: those of a first look, and those that come up when their values are left out.

    Args:
        source: the file's tables.
        problems: a line each, as `parse` raised them.
        where: what each line begins with.
        parse: checks the file; raises InputError.
    """
    known, fresh = list(problems), list(problems)
    mended, left_out = copy.deepcopy(dict(source)), set[str]()
    for _ in range(ROUNDS):
        names = {name for line in fresh for name in _left_out(mended, line.removeprefix(f"{where}: "))}
        if not names:
            break
        left_out |= names
        try:
            parse(mended, where)
        except InputError as error:
            # What stands in for a value is no one's choice: nothing is said of it, or of a rule in which it takes part.
            fresh = [line for line in error.problems if line not in known and not _mentions(line, where, left_out)]
            known += fresh
        else:
            break
    return known


def _left_out(source: dict[str, Any], line: str) -> set[str]:
    """Take the value that a problem is about out of a file, or give it the name that was meant.

    Returns:
        Dotted names of the settings that are no longer what the file says; none if the file has no such value.
    """
    place = _PLACE.match(line)
    if place is None:
        return set()
    path = place["name"].rstrip(".").split(".")
    table: Any = source
    if place["arm"] is not None or place["number"] is not None:
        table = _arm(source, place["arm"], place["number"])
    elif path[0] in RECIPE:
        table = source.get("recipe")
    for depth, key in enumerate(path):
        if not isinstance(table, dict) or key not in table:
            return set()
        if depth == len(path) - 1 or not isinstance(table[key], dict):
            value, name = table.pop(key), ".".join(path[: depth + 1])
            meant = _MEANT.search(line)
            if meant is not None and meant["table"] == "".join(f"{part}." for part in path[:-1]):
                table[meant["name"]] = value
            elif name in STAND_INS and place["arm"] is None and place["number"] is None:
                table[key] = copy.deepcopy(STAND_INS[name])
            return {name, *_NAME.findall(line.partition("did you mean")[2])}
        table = table[key]
    return set()


def _arm(source: Mapping[str, Any], name: str | None, number: str | None) -> Any:
    arms = source.get("arm", ())
    arms = arms if isinstance(arms, list) else []
    if number is not None:
        return arms[int(number) - 1] if 0 < int(number) <= len(arms) else None
    return next((arm for arm in arms if isinstance(arm, dict) and arm.get("name") == name), None)


def _mentions(line: str, where: str, names: set[str]) -> bool:
    """Whether a problem is about a setting, or what is in it; a rule may call a setting by its last name alone."""
    last = {name.rpartition(".")[2] for name in names}
    mentioned = _NAME.findall(line.removeprefix(where))
    return any(word in last or any(f"{word}.".startswith(f"{name}.") for name in names) for word in mentioned)
