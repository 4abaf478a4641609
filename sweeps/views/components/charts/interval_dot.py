"""IntervalDot: an entry's value, its 95 % interval and its runs on the scale that all entries of a table share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sweeps.views.components.scale import Scale, Tick, fit_scale
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure

MOST_SPREAD = 3.0
"""Entries farther from the best than so many times the width of the best three quarters lie beyond the scale."""
ROOM = 1.0
"""On each side of the seeds the scale shows as much as their range, times this; an interval that goes beyond is cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredValue:
    """What is known of an entry's value."""

    value: float | None
    ci95: tuple[float, float] | None = None
    runs: tuple[float, ...] = ()
    """Of its runs; empty where they have no values of their own."""
    track: str = "legal"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleLine:
    """A vertical line through all entries of a table: the baseline, or what the rule asks for."""

    kind: str
    """baseline or margin."""
    label: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedLine:
    """Such a line on a scale."""

    kind: str
    place: float


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalDot:
    """Places in percent of the scale."""

    template: ClassVar[str] = "charts/interval_dot.html.j2"
    summary: str
    track: str
    mean: float | None
    """None where it lies beyond the scale: then only an arrow is drawn."""
    low: float | None
    """None where there is no interval: a single seed."""
    high: float | None
    cut_low: bool
    """Whether the interval, or the mean itself, goes on beyond the scale."""
    cut_high: bool
    seeds: tuple[float, ...]
    lines: tuple[PlacedLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalAxis:
    """The scale above the entries."""

    template: ClassVar[str] = "charts/interval_axis.html.j2"
    ticks: tuple[Tick, ...]
    lines: tuple[PlacedLine, ...]


def choose_interval_scale(
    entries: Sequence[MeasuredValue], lines: Sequence[RuleLine] = (), *, higher_is_better: bool = False
) -> Scale | None:
    """A scale for entries of one track; None where none has a value.

    A few runs make an interval very wide, and one bad entry is far from all others: both are cut at the ends.
    """
    sign = -1.0 if higher_is_better else 1.0
    values = sorted(sign * entry.value for entry in entries if entry.value is not None)
    if not values:
        return None
    best, worst = values[0], values[-1]
    if len(values) > 2:
        worst = best + MOST_SPREAD * (values[(3 * len(values) - 1) // 4] - best)
    shown = [entry for entry in entries if entry.value is not None and sign * entry.value <= max(worst, best)]
    places = [value for entry in shown for value in (entry.value or 0.0, *entry.runs)]
    farthest = max(worst, *(sign * place for place in places))
    places += [line.value for line in lines if sign * line.value <= farthest + 0.01 * abs(farthest)]
    room = ROOM * (max(places) - min(places))
    ends = [min(max(end, min(places) - room), max(places) + room) for entry in shown for end in entry.ci95 or ()]
    return fit_scale([*places, *ends])


def prepare_interval(
    entry: MeasuredValue, scale: Scale, lines: Sequence[RuleLine] = (), measure: Measure = BITS_PER_BYTE
) -> IntervalDot | None:
    """An entry on a scale; None without a value."""
    value = entry.value
    if value is None:
        return None
    low, high = entry.ci95 or (value, value)
    inside = scale.low <= value <= scale.high
    interval = ""
    if entry.ci95:
        interval = f", 95 % interval {measure.show(low)} to {measure.show(high)}"
    elif entry.runs:
        interval = f", a single {measure.replicate}, no interval"
    return IntervalDot(
        summary=f"{measure.describe(value)}{interval}",
        track=entry.track,
        mean=scale.place(value) if inside else None,
        low=scale.place(low) if entry.ci95 and inside else None,
        high=scale.place(high) if entry.ci95 and inside else None,
        cut_low=low < scale.low,
        cut_high=high > scale.high,
        seeds=tuple(scale.place(run) for run in entry.runs if scale.low <= run <= scale.high),
        lines=place_lines(lines, scale),
    )


def prepare_interval_axis(scale: Scale, lines: Sequence[RuleLine] = ()) -> IntervalAxis:
    """The axis of the column of intervals."""
    return IntervalAxis(ticks=scale.ticks(4), lines=place_lines(lines, scale))


def place_lines(lines: Sequence[RuleLine], scale: Scale) -> tuple[PlacedLine, ...]:
    """Those lines that lie on the scale."""
    inside = [line for line in lines if scale.low <= line.value <= scale.high]
    return tuple(PlacedLine(kind=line.kind, place=scale.place(line.value)) for line in inside)
