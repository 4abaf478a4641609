"""Tables of results in a README: Markdown tables of which a column has steps or means, and a link to each record.

Headings are read as `#`, `Steps…`, `Mean…` or `Val loss…`, `n` or `Runs`, and `Date`; others are left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any

MOST_CHARACTERS = 4_000
"""Of a line; the rows of a table are shorter."""
_HEADINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("row", re.compile(r"#|row", re.IGNORECASE)),
    ("steps", re.compile(r"steps\b.{0,40}", re.IGNORECASE)),
    ("mean", re.compile(r"(?:mean|val(?:idation)? loss)\b.{0,40}", re.IGNORECASE)),
    ("n", re.compile(r"n|(?:# ?)?runs|trials", re.IGNORECASE)),
    ("date", re.compile(r"date", re.IGNORECASE)),
)
_RULER = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*", re.ASCII)
_LINK = re.compile(r"\]\(([^()\s]{1,400})\)")
_NUMBER = re.compile(r"[*_~` ]*(\d{1,3}(?:,\d{3})+|\d{1,9}(?:\.\d{1,9})?)[*_~` ]*", re.ASCII)
_DAY = re.compile(r"[*_` ]*(20\d\d)[-/](\d\d)[-/](\d\d)[*_` ]*", re.ASCII)


def read_result_tables(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Rows in the form of claims.json, one for each folder on the way to what a row links to."""
    before, names = "", list[str | None]()
    for line in lines:
        text = line.strip()[:MOST_CHARACTERS]
        if "|" not in text:
            names = []
        elif _RULER.fullmatch(text):
            names = [_name(cell) for cell in _cells(before)]
        elif {"steps", "mean"} & {*names}:
            yield from _read_row(dict(zip(names, _cells(text), strict=False)), text)
        before = text


def _read_row(cells: Mapping[str | None, str], text: str) -> Iterator[dict[str, Any]]:
    values = {name: _value(name, cell) for name, cell in cells.items() if name is not None}
    known = {name: value for name, value in values.items() if value is not None}
    for link in _LINK.findall(text):
        for folder in accumulate(PurePosixPath(link.partition("#")[0]).parts, lambda path, part: f"{path}/{part}"):
            yield {"folder": folder, **known}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _name(heading: str) -> str | None:
    plain = heading.strip("*_ ")
    return next((name for name, pattern in _HEADINGS if pattern.fullmatch(plain)), None)


def _value(name: str, cell: str) -> Any:
    if name == "date":
        day = _DAY.fullmatch(cell)
        return "-".join(day.groups()) if day else None
    number = _NUMBER.fullmatch(cell)
    return Decimal(number[1].replace(",", "")) if number else None
