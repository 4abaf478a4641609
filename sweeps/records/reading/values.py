"""Values of a submission.json as people write them: numbers, numbers in words, seeds, and values that are none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from jobs.logs import decimals

MOST_SCORE = 16
"""Guessing costs 8 bits per byte, and 11.1 nats per token of the largest vocabulary; a larger number is no score."""
MOST_DECIMALS = 15
"""Digits after the point that are kept of a number."""
_WIDE = Context(prec=40)
LEAST_BYTES = 1_000
"""A smaller size of a model or its code is in another unit."""
_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)(?: ?(?:bpb|nats|s|sec|seconds))?\s*", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"\s*(\d{1,3}(?:[,_]\d{3}){1,4}|\d{1,15})(?: ?(?:bytes|steps))?\s*", re.ASCII | re.IGNORECASE)
_SEED = re.compile(r"(?:seed[_ =-]?)?(\d{1,12})", re.ASCII | re.IGNORECASE)
_LIKE_SEED = re.compile(r"(?:seed[_ =-]?)?\d", re.ASCII | re.IGNORECASE)
_SEEDS = re.compile(r"\s*\d{1,12}(?:\s*[,;/ ]\s*\d{1,12})+\s*", re.ASCII)


def read_number(value: Any) -> Decimal | None:
    """Read a number, or text that is nothing but a number; None for one that is not finite or far out of range."""
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
        return Decimal(match[1])
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**15 else None
    if isinstance(value, Decimal):
        return _limit_digits(value) if value.is_finite() and abs(value.adjusted()) < 16 else None
    return None


def _limit_digits(value: Decimal) -> Decimal:
    """A number without digits that no log prints, which decimal arithmetic could not keep."""
    return (
        value if decimals(value) <= MOST_DECIMALS else value.quantize(Decimal(1).scaleb(-MOST_DECIMALS), context=_WIDE)
    )


def read_score(value: Any) -> Decimal | None:
    """Read a score or loss, or the mean in a table of several; zero stands for a missing one."""
    number = read_number(value.get("mean") if isinstance(value, Mapping) else value)
    return number if number is not None and 0 < number <= MOST_SCORE else None


def read_count(value: Any) -> int | None:
    """Read a whole number above zero; text may group its digits by commas."""
    if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
        value = int(re.sub("[,_]", "", match[1]))
    number = read_number(value)
    return int(number) if number is not None and number > 0 and number % 1 == 0 else None


def read_size(value: Any) -> int | None:
    """Read a number of bytes; None for one that must be in megabytes."""
    count = read_count(value)
    return count if count is not None and count >= LEAST_BYTES else None


def read_seed(name: Any) -> str | None:
    """Read a seed, as "42", "seed_42" or 42."""
    number = read_number(name) if isinstance(name, Decimal) else None
    if number is not None and number % 1 == 0:
        name = int(number)
    match = None if isinstance(name, bool) else _SEED.fullmatch(str(name))
    return str(int(match[1])) if match else None


def read_seeds(value: Any) -> list[str]:
    """Read seeds in order, from a list, or from text that is nothing but a list."""
    if isinstance(value, str) and _SEEDS.fullmatch(value):
        value = re.findall(r"\d+", value)
    if not isinstance(value, list):
        return []
    seeds = [read_seed(item) for item in value if isinstance(item, int | str | Decimal)]
    return [seed for seed in seeds if seed is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BySeed:
    """Results by seed."""

    results: Mapping[str, Any]
    """None for a seed with different results."""
    repeated: tuple[str, ...] = ()
    """Seeds that appear more than once."""
    others: tuple[str, ...] = ()
    """Names that look like a seed and are none, such as "42_rerun"."""


def read_by_seed(value: Any, order: Sequence[str] = ()) -> BySeed:
    """Read results by seed: a table of seeds, a list of results with their seed, or scores in the order of seeds."""
    results: dict[str, Any] = {}
    repeated = []
    for seed, result in _pair(value, order):
        if seed in results:
            repeated.append(seed)
            result = result if results[seed] == result else None
        results[seed] = result
    names = [str(name) for name in value] if isinstance(value, Mapping) else []
    others = tuple(name for name in names if read_seed(name) is None and _LIKE_SEED.match(name))
    return BySeed(results=results, repeated=tuple(dict.fromkeys(repeated)), others=others)


def describe_value(value: Any) -> str:
    """A value that is no number, in a few words."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value[:40]}"'
    if isinstance(value, Mapping | list):
        return "a table" if isinstance(value, Mapping) else "a list"
    return str(value).lower() if isinstance(value, bool) else f"{str(value)[:40]}"


def _pair(value: Any, order: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Seed and result of each."""
    if isinstance(value, Mapping):
        pairs = [(read_seed(name), result) for name, result in value.items()]
    elif isinstance(value, list):
        pairs = [(read_seed(result.get("seed")), result) for result in value if isinstance(result, Mapping)]
        if value and len(value) == len(order) and all(read_number(number) is not None for number in value):
            pairs = list(zip(order, value, strict=True))
    else:
        pairs = []
    yield from ((seed, result) for seed, result in pairs if seed is not None)
