"""Intervals as bars of characters, all on one axis."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Interval = tuple[float, float]
WIDEST = 1.25
"""How far the axis reaches beyond the means, in half-widths of the middle interval: a wide one squeezes no other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """The scores that the two ends of every bar stand for."""

    low: float
    high: float

    @classmethod
    def of(cls, means: Sequence[float], intervals: Sequence[Interval | None]) -> "Axis":
        """An axis with all means on it, and the intervals as far as most of them reach."""
        halves = [(high - low) / 2 for low, high in filter(None, intervals)]
        reach = WIDEST * statistics.median(halves) if halves else 0.0
        lows = [mean if ends is None else ends[0] for mean, ends in zip(means, intervals, strict=True)]
        highs = [mean if ends is None else ends[1] for mean, ends in zip(means, intervals, strict=True)]
        return cls(low=max(min(lows), min(means) - reach), high=min(max(highs), max(means) + reach))

    def place(self, score: float, cells: int) -> int:
        """The cell of a score, from 0; below 0 or above the last one where it is not on the axis."""
        span = self.high - self.low
        return round((score - self.low) / span * (cells - 1)) if span > 0 else (cells - 1) // 2


def draw_interval(mean: float, ends: Interval | None, axis: Axis, cells: int) -> str:
    """A mean and its interval; an end beyond the axis is `<` or `>`, and without an interval there is only the mean."""
    line = [" "] * cells
    if ends is not None:
        low, high = axis.place(ends[0], cells), axis.place(ends[1], cells)
        for cell in range(max(0, low), min(cells - 1, high) + 1):
            line[cell] = "─"
        line[max(0, low)] = "<" if low < 0 else "├"
        line[min(cells - 1, high)] = ">" if high >= cells else "┤"
    line[min(cells - 1, max(0, axis.place(mean, cells)))] = "●"
    return "".join(line)


def draw_axis(axis: Axis, cells: int, title: str, digits: int) -> str:
    """The heading over bars: the scores at both ends, and a title between them where there is room."""
    low, high = f"{axis.low:.{digits}f}", f"{axis.high:.{digits}f}"
    between = cells - len(low) - len(high)
    return low + (title.center(between) if between >= len(title) + 2 else " " * max(1, between)) + high
