"""Names and contests of stored public records, whatever stands in the database."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from sweeps.contests.catalog import DEFAULT, list_contests


def contest_of_record(content: Any) -> str:
    """The contest of a stored record; the default one where it says none that is known here."""
    named = content.get("contest", DEFAULT) if isinstance(content, Mapping) else DEFAULT
    return DEFAULT if named == DEFAULT or named not in list_contests() else str(named)


def name_of_record(content: Any) -> str:
    """The name that a stored record gives itself, or what stands for one."""
    name = content.get("name") if isinstance(content, Mapping) else None
    return name if isinstance(name, str) else "a record without a name"


def name_records(contents: Iterable[Any]) -> list[tuple[str, str]]:
    """Contest and name of each stored record; a name that a contest has already gets the next free number."""
    named: dict[tuple[str, str], None] = {}
    for content in contents:
        contest, name = contest_of_record(content), name_of_record(content)
        numbered = name
        for number in count(2):
            if (contest, numbered) not in named:
                break
            numbered = f"{name} ({number})"
        named[contest, numbered] = None
    return list(named)
