"""IntervalDot: an entry's mean, its 95 % interval and its seeds on the scale that all entries of a table share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.views.components.scale import Scale, Tick, fit_scale

MOST_SPREAD = 3.0
"""Entries farther from the best than so many times the width of the best three quarters lie beyond the scale."""
ROOM = 1.0
"""On each side of the seeds the scale shows as much as their range, times this; an interval that goes beyond is cut."""


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


def choose_interval_scale(rows: Sequence[Mapping[str, Any]], lines: Sequence[RuleLine] = ()) -> Scale | None:
    """A scale for entries of one track; None where none has a score.

    A few seeds make an interval very wide, and one bad entry is far from all others: both are cut at the ends.
    """
    means = [row["val_bpb_mean"] for row in rows if row["val_bpb_mean"] is not None]
    if not means:
        return None
    means.sort()
    worst = means[0] + MOST_SPREAD * (means[(3 * len(means) - 1) // 4] - means[0]) if len(means) > 2 else means[-1]
    shown = [row for row in rows if row["val_bpb_mean"] is not None and row["val_bpb_mean"] <= max(worst, means[0])]
    scores = [bpb for row in shown for bpb in [row["val_bpb_mean"], *_known_seeds(row)]]
    scores += [line.value for line in lines if line.value <= max(worst, max(scores)) * 1.01]
    room = ROOM * (max(scores) - min(scores))
    ends = [min(max(end, min(scores) - room), max(scores) + room) for row in shown for end in row["val_bpb_ci95"] or ()]
    return fit_scale([*scores, *ends])


def prepare_interval(row: Mapping[str, Any], scale: Scale, lines: Sequence[RuleLine] = ()) -> IntervalDot | None:
    """An entry of the leaderboard on a scale; None without a score."""
    mean, ci95 = row["val_bpb_mean"], row["val_bpb_ci95"]
    if mean is None:
        return None
    low, high = ci95 or (mean, mean)
    inside = scale.low <= mean <= scale.high
    interval = f", 95 % interval {low:.4f} to {high:.4f}" if ci95 else ", a single seed, no interval"
    return IntervalDot(
        summary=f"{mean:.4f} bpb{interval}",
        track=row["track"],
        mean=scale.place(mean) if inside else None,
        low=scale.place(low) if ci95 and inside else None,
        high=scale.place(high) if ci95 and inside else None,
        cut_low=low < scale.low,
        cut_high=high > scale.high,
        seeds=tuple(scale.place(bpb) for bpb in _known_seeds(row) if scale.low <= bpb <= scale.high),
        lines=place_lines(lines, scale),
    )


def prepare_interval_axis(scale: Scale, lines: Sequence[RuleLine] = ()) -> IntervalAxis:
    """The axis of the column of intervals."""
    return IntervalAxis(ticks=scale.ticks(4), lines=place_lines(lines, scale))


def place_lines(lines: Sequence[RuleLine], scale: Scale) -> tuple[PlacedLine, ...]:
    """Those lines that lie on the scale."""
    inside = [line for line in lines if scale.low <= line.value <= scale.high]
    return tuple(PlacedLine(kind=line.kind, place=scale.place(line.value)) for line in inside)


def _known_seeds(row: Mapping[str, Any]) -> list[float]:
    return [bpb for bpb in row["seeds"].values() if bpb is not None and math.isfinite(bpb)]
