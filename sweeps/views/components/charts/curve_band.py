"""CurveBand: training loss as the mean of one recipe's trainings with the band of its seeds, and their differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sweeps.entries.curves import Curve
from sweeps.views.components.charts.figure import Axes, Caption, make_table
from sweeps.views.components.scale import Scale, fit_scale

HEIGHT, DIFFERENCE_HEIGHT = 220, 160
POINTS = 48
"""Of a line: means over as many stretches of steps."""
MOST_LINES = 6
"""Recipes, or seeds, that are told apart by color and dash."""
UPPER = 98
"""Percentile of the losses above which the first steps are cut off."""
LEAST_DIFFERENCE = 1e-6
"""Nats per token below which trainings do not differ."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveLine:
    """A recipe's mean with its band, or one line of the differences."""

    kind: str
    label: str
    line: str
    band: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveBand:
    """Above the losses, below the differences from the mean of all lines."""

    template: ClassVar[str] = "charts/curve_band.html.j2"
    caption: Caption
    axes: Axes
    means: tuple[CurveLine, ...]
    difference_axes: Axes | None
    """None where there is a single training, or none differs."""
    differences: tuple[CurveLine, ...]
    zero: float
    difference_note: str


def prepare_curve_band(curves: Sequence[Curve]) -> CurveBand | None:
    """From trainings; those of one recipe share a line. None where no curve has two steps."""
    drawn = [curve for curve in curves if len(curve.points) > 1]
    if not drawn:
        return None
    groups = _group(drawn)
    shown = dict(list(groups.items())[:MOST_LINES])
    last = min(max(step for step, _ in curve.points) for group in shown.values() for curve in group)
    first = max(min(step for step, _ in curve.points) for group in shown.values() for curve in group)
    if first >= last:  # they have no step in common
        return None
    edges = _cut_steps(first, last)
    steps = (edges[:-1] + edges[1:]) / 2
    losses = {label: np.array([_average(curve, edges) for curve in group]) for label, group in shown.items()}
    everything = np.concatenate(list(losses.values()))
    axes = Axes(
        x=Scale(low=float(first), high=float(last), whole=True),
        y=fit_scale([float(everything.min()), float(np.percentile(everything, UPPER))]),
        height=HEIGHT,
        x_label="step",
        y_label="training loss, nats per token",
    )
    means = tuple(
        CurveLine(
            kind=f"series-{index}",
            label=f"{label} ({_count(len(group))})",
            line=axes.line(zip(steps.tolist(), group.mean(0).tolist(), strict=True)),
            band=_outline(axes, steps, group) if len(group) > 1 else "",
        )
        for index, (label, group) in enumerate(losses.items())
    )
    lines = _name_lines(shown, losses)
    center = np.mean(list(lines.values()), axis=0)
    changes = {label: line - center for label, line in lines.items()} if len(lines) > 1 else {}
    difference_axes = _difference_axes(axes.x, changes) if changes else None
    drawn_changes = changes if difference_axes is not None else {}
    differences = tuple(
        CurveLine(
            kind=f"series-{index}",
            label=label,
            line=difference_axes.line(zip(steps.tolist(), change.tolist(), strict=True)) if difference_axes else "",
        )
        for index, (label, change) in enumerate(drawn_changes.items())
    )
    left_out = f" {len(groups) - len(shown)} more recipes are not drawn." if len(groups) > len(shown) else ""
    caption = Caption(
        name="training",
        title="Training loss",
        note=f"The line is the mean over the trainings of a recipe, the band from the lowest to the highest.{left_out}",
        summary="; ".join(
            f"{label}: {_count(len(group))}, mean loss {float(group[:, -1].mean()):.3f} at the end"
            for label, group in losses.items()
        ),
        table=make_table(
            ("step", *losses), [
                (f"{step:.0f}", *(f"{float(group[:, place].mean()):.4f}" for group in losses.values()))
                for place, step in list(enumerate(steps))[:: max(1, len(steps) // 20)]
            ],
        ),
    )  # fmt: skip
    whose = "recipe" if len(shown) > 1 else "training"
    return CurveBand(
        caption=caption,
        axes=axes,
        means=means,
        difference_axes=difference_axes,
        differences=differences,
        zero=difference_axes.down(difference_axes.y.place(0.0)) if difference_axes else 0.0,
        difference_note=f"Difference of each {whose} from their mean",
    )


def _group(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Label → the trainings of one recipe, in their order."""
    places = {recipe: place for place, recipe in enumerate(dict.fromkeys(curve.recipe for curve in curves))}
    ordered = sorted(curves, key=lambda curve: places[curve.recipe])
    groups: dict[str, list[Curve]] = {}
    for _, group in groupby(ordered, key=lambda curve: curve.recipe):
        members = list(group)
        names = list(dict.fromkeys(member.owner for member in members))
        label = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        while label in groups:
            label += " (another recipe)"
        groups[label] = members
    return groups


def _name_lines(groups: Mapping[str, Sequence[Curve]], losses: Mapping[str, Floats]) -> dict[str, Floats]:
    """The lines whose differences are drawn: recipes if there are several, else the first trainings of the only one."""
    if len(groups) > 1:
        return {label: losses[label].mean(0) for label in groups}
    [(label, members)] = groups.items()
    names = [f"seed {member.seed}" for member in members]
    unique = [
        name if names.count(name) == 1 else f"{name} ({member.key[:6]})"
        for name, member in zip(names, members, strict=True)
    ]
    return dict(list(zip(unique, losses[label], strict=True))[:MOST_LINES])


def _cut_steps(first: int, last: int) -> Floats:
    """Edges of stretches of steps: one for each step if they are few."""
    count = last - first + 1
    return np.linspace(first - 0.5, last + 0.5, min(POINTS, count) + 1)


def _average(curve: Curve, edges: Floats) -> Floats:
    """Mean losses over stretches of steps; a stretch without a step has its neighbors' mean."""
    points = np.array(curve.points, np.float64)
    places = np.clip(np.searchsorted(edges, points[:, 0], "right") - 1, 0, len(edges) - 2)
    inside = (points[:, 0] >= edges[0]) & (points[:, 0] <= edges[-1])
    counts = np.bincount(places[inside], minlength=len(edges) - 1)
    sums = np.bincount(places[inside], weights=points[inside, 1], minlength=len(edges) - 1)
    known = np.flatnonzero(counts)
    if not known.size:
        return np.interp((edges[:-1] + edges[1:]) / 2, points[:, 0], points[:, 1])
    filled: Floats = np.interp(np.arange(len(edges) - 1), known, sums[known] / counts[known])
    return filled


def _outline(axes: Axes, steps: Floats, group: Floats) -> str:
    """The band's outline: its lower end from left to right, its upper end back."""
    places = steps.tolist()
    lower = axes.line(zip(places, group.min(0).tolist(), strict=True))
    upper = axes.line(zip(places[::-1], group.max(0).tolist()[::-1], strict=True))
    return f"{lower} {upper}"


def _difference_axes(x: Scale, changes: Mapping[str, Floats]) -> Axes | None:
    size = max(float(np.percentile(np.abs(change), UPPER)) for change in changes.values())
    if size < LEAST_DIFFERENCE:
        return None
    return Axes(
        x=x,
        y=Scale(low=-1.1 * size, high=1.1 * size),
        height=DIFFERENCE_HEIGHT,
        x_label="step",
        y_label="nats per token",
    )


def _count(number: int) -> str:
    return f"{number} training{'' if number == 1 else 's'}"
