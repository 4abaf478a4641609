"""Plotly figures of frames, for notebooks; the terminal and the pages draw their own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sweeps.text.escaping import to_chart_text

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

HEIGHT = 360


def plot_trials(trials: "pd.DataFrame", metric: str) -> "go.Figure":
    """The value of each trial and the best so far, by number."""
    import plotly.graph_objects as go

    ended = trials["value"].dropna()
    figure = go.Figure()
    figure.add_scatter(x=list(ended.index), y=list(ended), mode="markers", name="trial")
    figure.add_scatter(x=list(ended.index), y=list(ended.cummin()), mode="lines", line_shape="hv", name="best so far")
    return figure.update_layout(xaxis_title="trial", yaxis_title=metric, height=HEIGHT)


def plot_seeds(entries: Mapping[str, Mapping[str, float | None]], metric: str) -> "go.Figure":
    """The scores of entries by seed; a line joins the same seed of two entries."""
    import plotly.graph_objects as go

    entries = {to_chart_text(name): scores for name, scores in entries.items()}
    figure, names = go.Figure(), list(entries)
    for seed in dict.fromkeys(seed for scores in entries.values() for seed in scores):
        at = [(scores[seed], name) for name, scores in entries.items() if scores.get(seed) is not None]
        figure.add_scatter(x=[score for score, _ in at], y=[name for _, name in at], mode="lines+markers", name=seed)
    return figure.update_layout(
        xaxis_title=to_chart_text(metric), yaxis={"categoryorder": "array", "categoryarray": names[::-1]}, height=HEIGHT
    )


def to_seeds(runs: "pd.DataFrame", score: str) -> dict[str, Any]:
    """Seed → score of the lines of one entry in a frame of runs."""
    return {str(seed): float(value) for seed, value in runs[score].dropna().items()}
