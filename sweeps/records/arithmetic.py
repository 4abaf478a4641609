"""Means, deviations and roundings of printed numbers."""

import statistics
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from jobs.logs import agree, cut, decimals


def mean(values: Sequence[Decimal]) -> Decimal:
    """The mean, with two digits more than its values have."""
    digits = max(decimals(value) for value in values) + 2
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal(1).scaleb(-digits))


def is_mean(claimed: Decimal, values: Sequence[Decimal]) -> bool:
    """Whether a number is the mean of others: up to the rounding of all, cut off, or of values rounded first."""
    units = (Decimal(5).scaleb(-digits - 1) for digits in (decimals(claimed), min(map(decimals, values))))
    average = mean(values)
    if abs(claimed - average) <= sum(units) or agree(claimed, average):
        return True
    digits = decimals(claimed)
    rounded = [value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) for value in values]
    shortened = [rounded, [cut(value, digits) for value in values]]
    return any(agree(claimed, mean(each)) for each in shortened)


def compute_deviations(scores: Sequence[float]) -> tuple[float, float]:
    """Standard deviation of a sample (n − 1) and of a population (n)."""
    return statistics.stdev(scores), statistics.pstdev(scores)


def format_decimal(number: Decimal, digits: int) -> str:
    """A number with this many digits after the point."""
    return f"{number:.{digits}f}"


def find_worst(values: Mapping[str, int | float | None]) -> tuple[str, int | float] | None:
    """The largest known value with its key; None where none is known."""
    known = [(value, key) for key, value in values.items() if value is not None]
    if not known:
        return None
    value, key = max(known)
    return key, value
