"""Frontier: who held the record when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, ClassVar

from sweeps.views.components.charts.figure import Axes, Caption, PlotPoint, make_table
from sweeps.views.components.scale import Scale, Tick, fit_scale
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure
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


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordChange:
    """A change of the record."""

    name: str
    date: str | None
    track: str
    group: str
    """Of records that follow each other: their track, and where only one machine's are compared, that machine."""
    value: float
    cells: tuple[str, ...]
    """After name, date and value in the table of the figure's data."""


def prepare_frontier(changes: Sequence[Mapping[str, Any]]) -> Frontier | None:
    """From the board's changes of the record, oldest first; None of fewer than two, which are no history."""
    note = (
        "By track and validation set. The change is between the means of all seeds; p is its one-sided Welch test "
        "without margin. Where only some seeds are in common, the change over those stands beside it."
    )
    records = [
        RecordChange(
            name=change["name"],
            date=change["date"],
            track=change["track"],
            group=change["track"],
            value=change["val_bpb_mean"],
            cells=(change["track"], change["over"] or "–", _show_change(change), format_p(change["p_value"])),
        )
        for change in changes
    ]
    return draw_records(records, BITS_PER_BYTE, note, ("track", "over", "change in mBPB", "p"))


def draw_records(
    changes: Sequence[RecordChange], measure: Measure, note: str, headings: Sequence[str]
) -> Frontier | None:
    """Who held the record when, for whatever is ranked; None of fewer than two records.

    Args:
        changes: oldest first.
        measure: how values are written.
        note: what the changes are.
        headings: of the changes' cells.
    """
    if len(changes) < 2:
        return None
    days = [_read_day(change.date) for change in changes]
    dated = None not in days and len(set(days)) > 1
    places = [float(day or 0) for day in days] if dated else [float(number) for number in range(1, len(changes) + 1)]
    x = fit_scale(places, padding=0.03)
    axes = Axes(
        x=x,
        y=fit_scale([change.value for change in changes], padding=0.1),
        height=HEIGHT if len(changes) >= SHORT else LOW_HEIGHT,
        x_label="date" if dated else "records in their order",
        y_label=measure.title,
        x_names=_label_days(x, places) if dated else _label_numbers(x, len(changes)),
    )
    first, newest = changes[0], changes[-1]
    caption = Caption(
        name="records",
        title="Who held the record when",
        note=note,
        summary=f"{len(changes)} records, from {measure.show(first.value)} ({first.name}) to "
        f"{measure.show(newest.value)} {measure.unit} ({newest.name})",
        table=make_table(
            ("entry", "date", measure.heading, *headings),
            [(change.name, change.date or "–", measure.show(change.value), *change.cells) for change in changes],
        ),
    )
    return Frontier(caption=caption, axes=axes, tracks=tuple(_draw_tracks(changes, places, axes, measure)))


def _draw_tracks(
    changes: Sequence[RecordChange], places: Sequence[float], axes: Axes, measure: Measure
) -> Iterator[FrontierTrack]:
    for group in dict.fromkeys(change.group for change in changes):
        held = [(place, change) for place, change in zip(places, changes, strict=True) if change.group == group]
        corners = [(held[0][0], held[0][1].value)]
        for (_, before), (place, change) in pairwise(held):
            corners += [(place, before.value), (place, change.value)]
        corners.append((max(places), held[-1][1].value))
        points = [
            axes.point(
                place,
                change.value,
                f"{change.name}: {measure.describe(change.value)}, {change.date or 'no date'}",
                change.track,
            )
            for place, change in held
        ]
        yield FrontierTrack(kind=held[0][1].track, line=axes.line(corners), points=tuple(points))


def _show_change(change: Mapping[str, Any]) -> str:
    means, common = change["difference_means_mbpb"], change["difference_mbpb"]
    shown = "–" if means is None else f"{means:+.2f}"
    if change["difference_seeds"] and common is not None and f"{common:+.2f}" != shown:
        shown += f" ({common:+.2f} over {change['difference_seeds']} common seeds)"
    return shown


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
