"""A scale of an axis: where a value lies on it, and which round values to label."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

PADDING = 0.04
"""Share of the values' range that is added at each end."""
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Round steps between labels, times a power of ten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A labelled value."""

    place: float
    """In percent of the scale."""
    label: str

    @property
    def anchor(self) -> str:
        """Which part of the label is at its place, so that it stays inside the figure."""
        return "start" if self.place < 4 else "end" if self.place > 96 else "middle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """From `low` to `high`, linear or logarithmic."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    """Whether only whole numbers are labelled."""

    def place(self, value: float) -> float:
        """A value's place in percent; one outside lies at the end."""
        low, high, value = (self._transform(number) for number in (self.low, self.high, value))
        share = 0.5 if high == low else (value - low) / (high - low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def ticks(self, most: int = 5) -> tuple[Tick, ...]:
        """At most so many round values inside."""
        if self.log and self._powers(most)[1:]:
            return tuple(Tick(place=self.place(value), label=format_short(value)) for value in self._powers(most))
        if not self.high > self.low:
            return (Tick(place=50.0, label=f"{self.low:.4g}"),)
        step, digits = _choose_step(self.low, self.high, most)
        step, digits = (max(1.0, step), 0) if self.whole else (step, digits)
        first = math.ceil(self.low / step - 1e-9)
        values = [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return tuple(Tick(place=self.place(value), label=f"{value:,.{digits}f}") for value in values)

    def _transform(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.log else value

    def _powers(self, most: int) -> list[float]:
        """Round values of a logarithmic scale: 1, 2, 5 times powers of ten where few fit, else powers alone."""
        low, high = math.log10(self.low), math.log10(self.high)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [
                factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in factors
            ]
            inside = [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]
            if len(inside) <= most:
                return inside
        return inside[:: math.ceil(len(inside) / most)]


def fit_scale(values: Iterable[float], *, log: bool = False, padding: float = PADDING) -> Scale:
    """A scale on which all values lie, with some room at both ends.

    Raises:
        ValueError: there are none.
    """
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = min(known), max(known)
    if log:
        room = (high / low) ** padding if high > low else 2.0
        return Scale(low=low / room, high=high * room, log=True)
    room = padding * (high - low) or abs(high) * 0.001 or 1.0
    return Scale(low=low - room, high=high + room)


def format_short(value: float) -> str:
    """A number with as few digits as say it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _choose_step(low: float, high: float, most: int) -> tuple[float, int]:
    """The smallest round step that needs no more labels than `most`, and the digits that its labels need."""
    power = math.floor(math.log10((high - low) / most))
    for factor in STEPS:
        step = factor * 10.0**power
        if math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) < most:
            break
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (factor == 2.5))
    return step, digits
