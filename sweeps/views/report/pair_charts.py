"""The charts of a comparison: plain data in, a figure as plotly.js reads it out.

`compare` draws them at every call, so they do without plotly's Python library, which takes longer than the comparison.
"""

import json
from collections.abc import Mapping
from typing import Any

from sweeps.statistics.documents import Documents
from sweeps.text.escaping import to_chart_text

BLUE, ORANGE, GRAY, INK, GRID = "#0072B2", "#D55E00", "#999999", "#222222", "#EBF0F8"
CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}


def paired_seeds(challenger: Mapping[str, Any], incumbent: Mapping[str, Any]) -> dict[str, Any]:
    """Every seed's score of two entries; a line joins a seed that both have."""
    sides = (incumbent, challenger)
    traces: list[dict[str, Any]] = [
        {
            "x": [side["seeds"][seed] for side in sides],
            "y": [to_chart_text(side["known_as"]) for side in sides],
            "mode": "lines",
            "line": {"color": GRAY, "width": 1},
            "hoverinfo": "skip",
        }
        for seed in challenger["seeds"]
        if seed in incumbent["seeds"]
    ]
    for side, color in zip(sides, (GRAY, BLUE), strict=True):
        traces.append({
            "x": list(side["seeds"].values()),
            "y": [to_chart_text(side["known_as"])] * len(side["seeds"]),
            "mode": "markers",
            "text": list(side["seeds"]),
            "marker": {"size": 10, "color": color},
            "hovertemplate": "%{y}, seed %{text}: %{x:.4f}<extra></extra>",
        })  # fmt: skip
    x = {"title": {"text": "bits per byte, lower is better"}, "tickformat": ".3f"}
    return _figure(traces, x, {"automargin": True}, height=210)


def paired_documents(documents: Documents) -> dict[str, Any]:
    """The challenger's difference on every document, by the document's length; negative: the challenger is better."""
    change = (1000 * (documents["challenger"] - documents["incumbent"])).tolist()
    trace = {
        "type": "scattergl",
        "x": documents["bytes"].tolist(),
        "y": change,
        "mode": "markers",
        "text": documents["document"].tolist(),
        "marker": {"size": 5, "color": [BLUE if value < 0 else ORANGE for value in change], "opacity": 0.6},
        "hovertemplate": "document %{text}, %{x} bytes: %{y:+.1f}<extra></extra>",
    }
    x = {"title": {"text": "bytes of the document"}, "type": "log"}
    y = {"title": {"text": "difference, millibits per byte"}, "automargin": True, "zerolinecolor": INK}
    return _figure([trace], x, y, height=380)


def to_html(figure: Mapping[str, Any], div_id: str) -> str:
    """A figure as a part of a page that has loaded plotly.js; names in it cannot end the script."""
    parts = [json.dumps(part).replace("<", "\\u003c") for part in (figure["data"], figure["layout"], CONFIG)]
    height = figure["layout"]["height"]
    return (
        f'<div id="{div_id}" style="height: {height}px"></div>'
        f'<script>Plotly.newPlot("{div_id}", {", ".join(parts)});</script>'
    )


def _figure(traces: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any], height: int) -> dict[str, Any]:
    axis = {"gridcolor": GRID, "zerolinecolor": GRID}
    layout = {
        "height": height,
        "showlegend": False,
        "margin": {"l": 10, "r": 10, "t": 30, "b": 45},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "xaxis": axis | x,
        "yaxis": axis | y,
    }
    return {"data": traces, "layout": layout}
