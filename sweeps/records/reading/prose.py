"""Claims that a submission makes in prose: a deviation, a p-value, t, a number of seeds, the score that it beats."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from jobs.logs import decimals
from sweeps.records.reading.values import read_number

_P = re.compile(
    r"\bp(?:[_ -]?value)?\s*(<<|≪|<|≤|=|(?<=value):)\s*(0?\.\d{1,12}|\d(?:\.\d{1,6})?e-\d{1,3})", re.IGNORECASE
)
_T = re.compile(r"\bt\s?=\s?(-?\d{1,6}(?:\.\d{1,6})?)")
_STD = re.compile(r"\bstd(?:dev)?\.?\s*[:=]?\s*(0\.\d{1,10})", re.IGNORECASE)
_COUNT = re.compile(r"\b(?:mean of |over )?(\d{1,2})[- ]seeds?\b", re.IGNORECASE)
_VERSUS = re.compile(r"\b(\d\.\d{3,10}) (?:vs\.?|against|over) (?:\w+ ){0,3}(\d\.\d{3,10})\b")
_MIN_NLL = re.compile(r"(?<!no)(?<!non)(?<!without)[\W_]min[-_ ]?nll\b(?!\W*(?:=\s*0|:\s*false))", re.IGNORECASE)


def collect_prose(submission: Mapping[str, Any]) -> str:
    """All text of a submission, without the names of fields."""
    return " ".join(_list_strings(submission))


def find_std(prose: str) -> Decimal | None:
    """The deviation that the text gives."""
    return _find_number(_STD, prose)


def find_t_statistic(prose: str) -> Decimal | None:
    """The t that the text gives."""
    return _find_number(_T, prose)


def find_seed_count(prose: str) -> int | None:
    """The number of seeds that the text gives, such as "3-seed mean"."""
    match = _COUNT.search(prose)
    return int(match[1]) if match else None


def find_p_value(field: Any, prose: str) -> tuple[str, Decimal] | None:
    """A p-value with its relation (=, < or ≪): that of the field, else that of the text."""
    if (number := read_number(field)) is not None:
        return "=", number
    match = _P.search(f"p = {field}" if re.match(r"[\d.]", str(field)) else f"p {field}") or _P.search(prose)
    if match is None:
        return None
    return match[1].replace("<<", "≪").replace("≤", "<").replace(":", "="), Decimal(match[2])


def find_beaten_score(prose: str, headline: Decimal | None) -> Decimal | None:
    """The second score of "1.06 vs 1.08" where the first is the headline."""
    for ours, theirs in _VERSUS.findall(prose):
        if headline is not None and abs(Decimal(ours) - headline) <= Decimal(1).scaleb(-decimals(Decimal(ours))):
            return Decimal(theirs)
    return None


def mentions_min_nll(prose: str) -> bool:
    """Whether the text says that the lowest of several scores is kept."""
    return _MIN_NLL.search(f" {prose}") is not None


def _find_number(pattern: re.Pattern[str], prose: str) -> Decimal | None:
    match = pattern.search(prose)
    return Decimal(match[1]) if match else None


def _list_strings(value: Any, depth: int = 6) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:20_000]
    elif depth and isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _list_strings(item, depth - 1)
