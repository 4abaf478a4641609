"""Frontier: who held the record when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, ClassVar

from sweeps.views.components.charts.figure import Axes, Caption, PlotPoint, make_table
from sweeps.views.components.scale import Scale, Tick, fit_scale
from sweeps.views.wording import format_p

HEIGHT, LOW_HEIGHT = 200, 120
"""Pixels; the latter for a short history."""
SHORT = 4
"""Records below which a history is short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontierTrack:
    """The records of one track."""

    kind: str
    line: str
    points: tuple[PlotPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontier:
    """Records by date, or in their order where a date is unknown."""

    template: ClassVar[str] = "charts/frontier.html.j2"
    caption: Caption
    axes: Axes
    tracks: tuple[FrontierTrack, ...]


def prepare_frontier(changes: Sequence[Mapping[str, Any]]) -> Frontier | None:
    """From the board's changes of the record, oldest first; None of fewer than two, which are no history."""
    if len(changes) < 2:
        return None
    days = [_read_day(change["date"]) for change in changes]
    dated = None not in days and len(set(days)) > 1
    places = [float(day or 0) for day in days] if dated else [float(number) for number in range(1, len(changes) + 1)]
    x = fit_scale(places, padding=0.03)
    last = max(places)
    axes = Axes(
        x=x,
        y=fit_scale([change["val_bpb_mean"] for change in changes], padding=0.1),
        height=HEIGHT if len(changes) >= SHORT else LOW_HEIGHT,
        x_label="date" if dated else "records in their order",
        y_label="bits per byte",
        x_names=_label_days(x, places) if dated else _label_numbers(x, len(changes)),
    )
    tracks = []
    for track in dict.fromkeys(change["track"] for change in changes):
        held = [(place, change) for place, change in zip(places, changes, strict=True) if change["track"] == track]
        corners = [(held[0][0], held[0][1]["val_bpb_mean"])]
        for (_, before), (place, change) in pairwise(held):
            corners += [(place, before["val_bpb_mean"]), (place, change["val_bpb_mean"])]
        corners.append((last, held[-1][1]["val_bpb_mean"]))
        points = [axes.point(place, change["val_bpb_mean"], _describe(change), track) for place, change in held]
        tracks.append(FrontierTrack(kind=track, line=axes.line(corners), points=tuple(points)))
    first, newest = changes[0], changes[-1]
    caption = Caption(
        name="records",
        title="Who held the record when",
        note="By track and validation set. The change is between the means of all seeds; p is its one-sided Welch test "
        "without margin. Where only some seeds are in common, the change over those stands beside it.",
        summary=f"{len(changes)} records, from {first['val_bpb_mean']:.4f} ({first['name']}) to "
        f"{newest['val_bpb_mean']:.4f} bits per byte ({newest['name']})",
        table=make_table(
            ("entry", "date", "track", "bpb", "over", "change in mBPB", "p"),
            [_list_cells(change) for change in changes],
        ),
    )
    return Frontier(caption=caption, axes=axes, tracks=tuple(tracks))


def _describe(change: Mapping[str, Any]) -> str:
    return f"{change['name']}: {change['val_bpb_mean']:.4f}, {change['date'] or 'no date'}"


def _list_cells(change: Mapping[str, Any]) -> tuple[str, ...]:
    means, common = change["difference_means_mbpb"], change["difference_mbpb"]
    shown = "–" if means is None else f"{means:+.2f}"
    if change["difference_seeds"] and common is not None and f"{common:+.2f}" != shown:
        shown += f" ({common:+.2f} over {change['difference_seeds']} common seeds)"
    return (
        change["name"],
        change["date"] or "–",
        change["track"],
        f"{change['val_bpb_mean']:.4f}",
        change["over"] or "–",
        shown,
        format_p(change["p_value"]),
    )


def _read_day(text: str | None) -> int | None:
    try:
        return None if text is None else date.fromisoformat(text[:10]).toordinal()
    except ValueError:
        return None


def _label_days(x: Scale, places: Sequence[float]) -> tuple[Tick, ...]:
    low, high = int(min(places)), int(max(places))
    days = sorted({low, (low + high) // 2, high})
    return tuple(Tick(place=x.place(day), label=date.fromordinal(day).isoformat()) for day in days)


def _label_numbers(x: Scale, count: int) -> tuple[Tick, ...]:
    numbers = range(1, count + 1, max(1, -(-count // 10)))
    return tuple(Tick(place=x.place(number), label=str(number)) for number in numbers)
