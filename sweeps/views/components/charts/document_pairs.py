"""DocumentPairs: by how much two entries differ on every document of the validation set, by its length."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sweeps.statistics.documents import Documents
from sweeps.views.components.charts.figure import Axes, Caption, PlotPoint, make_table
from sweeps.views.components.scale import fit_scale

HEIGHT = 240
MOST_POINTS = 400
SHOWN = (0.5, 99.5)
"""Percentiles of the differences between which the axis lies; documents beyond lie at its ends."""
SHARES = (0, 5, 25, 50, 75, 95, 100)
"""Percentiles of the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentPairs:
    """Below zero the challenger is better."""

    template: ClassVar[str] = "charts/document_pairs.html.j2"
    caption: Caption
    axes: Axes
    zero: float
    """Pixels from the top."""
    points: tuple[PlotPoint, ...]


def prepare_document_pairs(documents: Documents, names: tuple[str, str]) -> DocumentPairs | None:
    """From the scores of documents under two entries on the same artifacts; None without documents.

    Args:
        documents: arrays [documents]: document, bytes, and bits per byte of challenger and incumbent.
        names: of challenger and incumbent.
    """
    change = 1000 * (documents["challenger"] - documents["incumbent"])
    if not change.size:
        return None
    lower = int((change < 0).sum())
    low, high = (float(end) for end in np.percentile(change, SHOWN))
    y = fit_scale([min(low, 0.0), max(high, 0.0)], padding=0.06)
    axes = Axes(
        x=fit_scale(documents["bytes"].tolist(), log=True),
        y=y,
        height=HEIGHT,
        x_label="bytes of the document",
        y_label="difference in mBPB",
    )
    chosen = np.unique(np.linspace(0, change.size - 1, min(MOST_POINTS, change.size)).round().astype(int))
    chosen = np.argsort(change, kind="stable")[chosen]
    points = [
        axes.point(float(documents["bytes"][place]), float(change[place]), "", _side(float(change[place])))
        for place in chosen.tolist()
    ]
    left_out = change.size - len(points)
    note = f"Each dot is a document on artifacts that both entries share; below zero {names[0]} is better."
    more = f" {len(points)} of {change.size:,} documents are drawn, evenly over the differences." if left_out else ""
    quantiles = np.percentile(change, SHARES)
    caption = Caption(
        name="documents",
        title="Document by document",
        note=f"{note}{more}",
        summary=f"{names[0]} is better than {names[1]} on {lower:,} of {change.size:,} documents; the median "
        f"difference is {float(np.median(change)):+.2f} mBPB",
        table=make_table(
            ("percentile of documents", "difference in mBPB"),
            [(f"{share} %", f"{float(value):+.2f}") for share, value in zip(SHARES, quantiles, strict=True)],
        ),
    )
    return DocumentPairs(caption=caption, axes=axes, zero=axes.down(y.place(0.0)), points=tuple(points))


def _side(change: float) -> str:
    return "better" if change < 0 else "worse"
