"""What all figures share: a name, a sentence for those who cannot see them, their data as a table, and axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sweeps.views.components.scale import Scale, Tick

Item = TypeVar("Item")
MOST_ROWS = 120
"""Rows of a table of data; of more, those in between are left out."""
MOST_POINTS = 300
"""Points of a figure; of more, some in between are left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataTable:
    """A figure's data; the first cell of a row names it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0
    """Rows that are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """What is written around a figure."""

    name: str
    """Its id within the page."""
    title: str
    note: str
    summary: str
    """What it shows in a sentence, as a screen reader says it."""
    table: DataTable


@dataclass(frozen=True, kw_only=True, slots=True)
class PlotPoint:
    """A place in a figure."""

    x: float
    """In percent of its width."""
    y: float
    """In pixels from its top."""
    label: str = ""
    """Shown while the pointer is on it."""
    kind: str = ""
    """Its class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """Two scales of a figure with its height in pixels."""

    x: Scale
    y: Scale
    height: int
    x_label: str
    y_label: str
    x_names: tuple[Tick, ...] = ()
    """Labels of the horizontal axis, where they are not round values."""

    @property
    def x_ticks(self) -> tuple[Tick, ...]:
        """Labels of the horizontal axis."""
        return self.x_names or self.x.ticks(5)

    @property
    def y_ticks(self) -> tuple[Tick, ...]:
        """Labels of the vertical axis, placed in pixels from the top."""
        ticks = self.y.ticks(max(3, self.height // 45))
        return tuple(Tick(place=self.down(tick.place), label=tick.label) for tick in ticks)

    def down(self, percent: float) -> float:
        """Percent of the vertical scale in pixels from the top."""
        return round(self.height * (1 - percent / 100), 1)

    def point(self, x: float, y: float, label: str = "", kind: str = "") -> PlotPoint:
        """Where two values meet."""
        return PlotPoint(x=self.x.place(x), y=self.down(self.y.place(y)), label=label, kind=kind)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """Values as an SVG polyline of percent and pixels."""
        places = (self.point(x, y) for x, y in points)
        return " ".join(f"{place.x:g},{place.y:g}" for place in places)


def make_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> DataTable:
    """A table of no more rows than a reader wants."""
    shown = thin_out(rows, MOST_ROWS)
    return DataTable(columns=tuple(columns), rows=tuple(map(tuple, shown)), left_out=len(rows) - len(shown))


def thin_out(items: Sequence[Item], most: int = MOST_POINTS) -> list[Item]:
    """At most so many items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
