"""Numbers as logs print them: their patterns, their digits, and whether two of them agree."""

import math
from decimal import ROUND_DOWN, Decimal

NUMBER = r"(\d{1,12}(?:\.\d{1,12})?)"
BYTES = r"(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})"


LEAST_CUT_DIGITS = 3
"""Digits after the point from which a number may be a longer one cut off; shorter ones would agree by chance."""


def decimals(number: Decimal) -> int:
    """Number of printed digits after the point."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def agree(a: Decimal, b: Decimal) -> bool:
    """Whether two numbers agree to the digits of the shorter one, rounded up or down, or cut off."""
    short, long = sorted((a, b), key=decimals)
    digits = decimals(short)
    rounded = abs(a - b) <= Decimal(5).scaleb(-digits - 1)
    return rounded or (digits >= LEAST_CUT_DIGITS and cut(long, digits) == short)


def cut(number: Decimal, digits: int) -> Decimal:
    """A number without the digits after these."""
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_DOWN)


def to_seconds(number: str, unit: str) -> float | None:
    """Seconds of a printed time in "s" or "ms"; None where it is not finite."""
    seconds = float(number) / (1 if unit == "s" else 1000)
    return seconds if math.isfinite(seconds) else None


def to_bytes(number: str) -> int:
    """A printed number of bytes, whose digits may be grouped by commas."""
    return int(number.replace(",", ""))
