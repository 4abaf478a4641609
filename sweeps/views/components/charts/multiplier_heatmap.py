"""MultiplierHeatmap: learning-rate multipliers of test-time training by layer and projection, around 1 in log₂."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.views.components.charts.figure import Caption, make_table

PREFIX = "eval.multipliers."
PARTS = ("first", "middle", "last")
STRENGTHS = 4
"""Steps of color on each side of 1."""
STEP = 0.5
"""Width of one of them in log₂: four steps reach a factor of 4."""
ROW, WIDTH = 34, 64
"""Pixels of a cell."""
LEFT, TOP = 76, 26
"""Pixels of the labels."""
ALL = "all layers"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatCell:
    """One multiplier."""

    x: int
    y: int
    label: str
    kind: str
    """lower-4 … lower-1, even, higher-1 … higher-4."""
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiplierHeatmap:
    """Layers from top to bottom, projections from left to right; in pixels."""

    template: ClassVar[str] = "charts/multiplier_heatmap.html.j2"
    caption: Caption
    width: int
    height: int
    layers: tuple[tuple[str, int], ...]
    projections: tuple[tuple[str, int], ...]
    cells: tuple[HeatCell, ...]
    legend: tuple[tuple[str, str], ...]


def prepare_multiplier_heatmap(parameters: Mapping[str, Any], whose: str) -> MultiplierHeatmap | None:
    """From the parameters of a trial; None where it has no multipliers.

    Args:
        parameters: by name, as eval.multipliers.q.0, eval.multipliers.q.first or eval.multipliers.head.
        whose: the trial, for the caption.
    """
    known = _read_multipliers(parameters)
    if not known:
        return None
    layers = sorted({layer for layer, _ in known}, key=_order_layer)
    projections = list(dict.fromkeys(projection for _, projection in known))
    cells = []
    for (layer, projection), value in known.items():
        cells.append(
            HeatCell(
                x=LEFT + WIDTH * projections.index(projection),
                y=TOP + ROW * layers.index(layer),
                label=f"{value:.2f}",
                kind=classify_multiplier(value),
                summary=f"{projection}, {_name_layer(layer)}: × {value:.3g}",
            )
        )
    farthest = max(known.items(), key=lambda item: abs(math.log2(item[1])))
    rows = [
        [_name_layer(layer), *(_show(known.get((layer, projection))) for projection in projections)] for layer in layers
    ]
    caption = Caption(
        name="multipliers",
        title=f"Multipliers of {whose}",
        note="Learning rate of each projection's adapters by layer, relative to eval.lr: blue is lower, amber higher.",
        summary=f"{len(known)} multipliers from {min(known.values()):.3g} to {max(known.values()):.3g}; farthest from "
        f"1: {farthest[0][1]}, {_name_layer(farthest[0][0])}, {farthest[1]:.3g}",
        table=make_table(["layers", *projections], rows),
    )
    return MultiplierHeatmap(
        caption=caption,
        width=LEFT + WIDTH * len(projections),
        height=TOP + ROW * len(layers),
        layers=tuple((_name_layer(layer), TOP + ROW * index) for index, layer in enumerate(layers)),
        projections=tuple((name, LEFT + WIDTH * index) for index, name in enumerate(projections)),
        cells=tuple(cells),
        legend=tuple((classify_multiplier(value), f"{value:g}") for value in (0.25, 0.5, 1, 2, 4)),
    )


def classify_multiplier(value: float) -> str:
    """The step of color of a multiplier: even within a quarter of an octave of 1, else lower or higher by its log₂."""
    octaves = math.log2(value)
    strength = min(STRENGTHS, round(abs(octaves) / STEP))
    return "even" if strength == 0 else f"{'lower' if octaves < 0 else 'higher'}-{strength}"


def _read_multipliers(parameters: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """(layer, projection) → multiplier."""
    known = {}
    for name, value in parameters.items():
        match = re.fullmatch(re.escape(PREFIX) + r"(\w+)(?:\.(\w+))?", name)
        if match and isinstance(value, int | float) and value > 0:
            known[match[2] or ALL, match[1]] = float(value)
    return known


def _order_layer(layer: str) -> tuple[int, int]:
    if layer in PARTS:
        return 0, PARTS.index(layer)
    return (1, int(layer)) if layer.isdigit() else (2, 0)


def _name_layer(layer: str) -> str:
    return f"{layer} third" if layer in PARTS else layer if layer == ALL else f"layer {layer}"


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
