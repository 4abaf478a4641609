"""Values of a submission.json as it writes them: numbers, numbers in words, seeds, and what is no value at all."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MOST_SCORE = 16
"""Guessing costs 8 bits per byte, and 11.1 nats per token of the largest vocabulary: what is more is no score."""
LEAST_BYTES = 1_000
"""What gives fewer bytes than this for a model or its code gives another unit."""
_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)(?: ?(?:bpb|nats|s|sec|seconds))?\s*", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"\s*(\d{1,3}(?:[,_]\d{3}){1,4}|\d{1,15})(?: ?(?:bytes|steps))?\s*", re.ASCII | re.IGNORECASE)
_SEED = re.compile(r"(?:seed[_ =-]?)?(\d{1,12})", re.ASCII | re.IGNORECASE)
_LIKE_SEED = re.compile(r"(?:seed[_ =-]?)?\d", re.ASCII | re.IGNORECASE)
_SEEDS = re.compile(r"\s*\d{1,12}(?:\s*[,;/ ]\s*\d{1,12})+\s*", re.ASCII)


def number(value: Any) -> Decimal | None:
    """A number, or text that is nothing but one; None for what is not finite or out of all range."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        return Decimal(found[1])
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**15 else None
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) < 16 else None
    return None


def score(value: Any) -> Decimal | None:
    """A score or loss, or the mean in a table of several; zero stands for one that is not there yet."""
    found = number(value.get("mean") if isinstance(value, Mapping) else value)
    return found if found is not None and 0 < found <= MOST_SCORE else None


def whole(value: Any) -> int | None:
    """A count above zero; text may group its digits by commas."""
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        value = int(re.sub("[,_]", "", found[1]))
    found_number = number(value)
    return int(found_number) if found_number is not None and found_number > 0 and found_number % 1 == 0 else None


def size(value: Any) -> int | None:
    """Bytes; None for what must be megabytes."""
    found = whole(value)
    return found if found is not None and found >= LEAST_BYTES else None


def seed(name: Any) -> str | None:
    """A seed, as "42", "seed_42" or 42."""
    if isinstance(name, Decimal) and name.is_finite() and name % 1 == 0 and abs(name) < 10**12:
        name = int(name)
    found = None if isinstance(name, bool) else _SEED.fullmatch(str(name))
    return str(int(found[1])) if found else None


def seeds(value: Any) -> list[str]:
    """Seeds in order, from a list or text that is a list of nothing else."""
    if isinstance(value, str) and _SEEDS.fullmatch(value):
        value = re.findall(r"\d+", value)
    if not isinstance(value, list):
        return []
    return [found for one in value if isinstance(one, int | str | Decimal) and (found := seed(one)) is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BySeed:
    """Results by seed."""

    results: Mapping[str, Any]
    """None for a seed that stands there with different scores."""
    repeated: tuple[str, ...] = ()
    """Seeds that stand there more than once."""
    others: tuple[str, ...] = ()
    """Names that begin as a seed and are none, such as "42_rerun"."""


def by_seed(value: Any, order: Sequence[str] = ()) -> BySeed:
    """Results by seed, from a table of seeds, a list of results that name theirs, or scores in the order of seeds."""
    pairs = list(_pairs(value, order))
    results: dict[str, Any] = {}
    repeated = []
    for name, result in pairs:
        if name in results:
            repeated.append(name)
            result = result if results[name] == result else None
        results[name] = result
    names = [str(name) for name in value] if isinstance(value, Mapping) else []
    others = tuple(name for name in names if seed(name) is None and _LIKE_SEED.match(name))
    return BySeed(results=results, repeated=tuple(dict.fromkeys(repeated)), others=others)


def _pairs(value: Any, order: Sequence[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        named = [(seed(name), one) for name, one in value.items()]
    elif isinstance(value, list):
        named = [(seed(one.get("seed")), one) for one in value if isinstance(one, Mapping)]
        if value and len(value) == len(order) and all(number(one) is not None for one in value):
            named = list(zip(order, value, strict=True))
    else:
        named = []
    yield from ((name, one) for name, one in named if name is not None)


def shown(value: Any) -> str:
    """A value that is none, in a few words."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value[:40]}"'
    if isinstance(value, Mapping | list):
        return "a table" if isinstance(value, Mapping) else "a list"
    return str(value).lower() if isinstance(value, bool) else f"{str(value)[:40]}"
