"""Ranges of numeric settings, and a line for every setting outside its range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golf.errors import shown


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`; the ends belong to it unless they are excluded."""

    low: float
    high: float
    without_low: bool = False
    without_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.without_low else value >= self.low
        return above and (value < self.high if self.without_high else value <= self.high)

    def __str__(self) -> str:
        low, high = (f"{end:.15g}" for end in (self.low, self.high))
        least, most = "above" if self.without_low else "at least", "below" if self.without_high else "at most"
        return f"{least} {low} and {most} {high}"


MOST_SECONDS = 10_000_000
"""Longest time limit of a job: 116 days."""
MOST_STEPS = 10**9
"""Most steps of a training; times the largest batch, positions of tokens still fit 64 bits."""
MOST_GPUS = 1024
"""Most slots of a job. All of them are on one node."""
MOST_POSITIONS = 2**20
"""Longest window, in tokens; what fits the memory depends on the model (golf.memory)."""

SHARE = Range(0, 1, without_high=True)
LARGEST = 1e9
"""Largest factor, rate or constant: far below what 32-bit numbers hold, so that their products do not overflow."""
RATE = Range(0, LARGEST, without_low=True)
DECAY = Range(0, LARGEST)
SECONDS = Range(0, MOST_SECONDS, without_low=True)
STEPS = Range(0, MOST_STEPS)
GPUS = Range(1, MOST_GPUS)
POSITIONS = Range(1, MOST_POSITIONS)


def outside(config: Any, section: str, ranges: Mapping[str, Range]) -> Iterator[str]:
    """A line for each field of a configuration that is outside its range; None is in every range.

    Args:
        config: a dataclass whose fields are numbers, or sequences of numbers.
        section: the dotted name before the field's, as in the sweep file.
        ranges: by name of a field.
    """
    for name, allowed in ranges.items():
        value = getattr(config, name)
        numbers = value if isinstance(value, tuple | list) else (value,)
        if any(number is not None and number not in allowed for number in numbers):
            text = shown(list(value)) if isinstance(value, tuple | list) else _short(value)
            yield f"{section}.{name} = {text}: must be {allowed}"


def _short(number: float) -> str:
    """A number; a whole number of many digits as a power of ten."""
    if isinstance(number, float) or number.bit_length() <= 64:
        return str(number)
    return f"{'-' if number < 0 else ''}about 1e{int(number.bit_length() * 0.30103)}"
