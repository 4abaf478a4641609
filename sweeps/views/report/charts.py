"""The report's charts: plain data in, plotly figures out.

Colors are of Okabe and Ito's palette, which people with any color vision can distinguish; tracks also differ by symbol.
"""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from jobs.store import TrialRecord

BLUE, ORANGE, GREEN, GRAY, INK = "#0072B2", "#D55E00", "#009E73", "#999999", "#222222"
COLORS = {"legal": BLUE, "flagged": ORANGE, "unverified": GRAY}
SYMBOLS = {"legal": "circle", "flagged": "x", "unverified": "square"}
SERIES = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", INK, GRAY)
PANEL_COLUMNS = 3
LEAST_MOVED = 1e-8
"""Nats below which nothing has moved, as far as a logarithmic axis shows."""


def seed_scores(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Every seed's score of rows of one track, with the mean and its 95 % interval; the best row on top."""
    figure = go.Figure()
    names = [row["name"] for row in rows]
    track = rows[0]["track"]
    intervals = [row for row in rows if row["val_bpb_ci95"] is not None]
    figure.add_scatter(
        x=[row["val_bpb_mean"] for row in rows],
        y=names,
        mode="markers",
        name="mean, 95 % interval",
        marker={"symbol": "line-ns-open", "size": 16, "color": INK, "line": {"width": 2}},
        error_x={
            "type": "data",
            "array": [row["val_bpb_ci95"][1] - row["val_bpb_mean"] if row in intervals else 0 for row in rows],
            "color": INK,
            "thickness": 1.2,
            "width": 5,
        },
        hovertemplate="%{y}: mean %{x:.4f}<extra></extra>",
    )
    points = [(row["name"], seed, bpb) for row in rows for seed, bpb in row["seeds"].items()]
    figure.add_scatter(
        x=[bpb for _, _, bpb in points],
        y=[name for name, _, _ in points],
        mode="markers",
        name="one seed",
        text=[seed for _, seed, _ in points],
        marker={"symbol": SYMBOLS[track], "size": 9, "color": COLORS[track], "opacity": 0.8},
        hovertemplate="%{y}, seed %{text}: %{x:.4f}<extra></extra>",
    )
    figure.update_xaxes(title="bits per byte, lower is better", tickformat=".3f")
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    return _styled(figure, height=150 + 42 * len(rows))


def trial_scores(trials: Sequence[TrialRecord], given: int) -> go.Figure:
    """Score of every trial by its number, with the best so far; the first `given` were written in the file."""
    done = [trial for trial in trials if trial.value is not None]
    figure = go.Figure()
    groups = (
        ("from the file", [trial for trial in done if trial.number < given], "diamond", ORANGE),
        ("searched", [trial for trial in done if trial.number >= given], "circle", BLUE),
    )
    for name, group, symbol, color in groups:
        figure.add_scatter(
            x=[trial.number for trial in group],
            y=[trial.value for trial in group],
            mode="markers",
            name=name,
            text=[_short(trial.parameters) for trial in group],
            marker={"symbol": symbol, "size": 9, "color": color},
            hovertemplate="trial %{x}: %{y:.4f}<br>%{text}<extra></extra>",
        )
    best = list(accumulate((trial.value for trial in done if trial.value is not None), min))
    figure.add_scatter(
        x=[trial.number for trial in done],
        y=best,
        mode="lines",
        name="best so far",
        line={"shape": "hv", "color": INK, "width": 1.2},
        hoverinfo="skip",
    )
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title="bits per byte", tickformat=".3f", automargin=True)
    return _styled(figure, height=360)


def parameter_effects(trials: Sequence[TrialRecord]) -> go.Figure | None:
    """Score against every searched parameter, a panel each; darker points are later trials. None without results."""
    done = [trial for trial in trials if trial.value is not None]
    if not done:
        return None
    names = list(done[0].parameters)
    lines = math.ceil(len(names) / PANEL_COLUMNS)
    figure = make_subplots(
        rows=lines,
        cols=PANEL_COLUMNS,
        shared_yaxes=True,
        subplot_titles=[name.removeprefix("eval.") for name in names],
        vertical_spacing=min(0.12, 0.5 / lines),
        horizontal_spacing=0.03,
    )
    for index, name in enumerate(names):
        row, column = divmod(index, PANEL_COLUMNS)
        figure.add_scatter(
            x=[trial.parameters[name] for trial in done],
            y=[trial.value for trial in done],
            mode="markers",
            text=[trial.number for trial in done],
            marker={
                "size": 7,
                "color": [trial.number for trial in done],
                "colorscale": [[0, "#9ecae1"], [1, "#08306b"]],
            },
            hovertemplate="trial %{text}: %{x} → %{y:.4f}<extra></extra>",
            showlegend=False,
            row=row + 1,
            col=column + 1,
        )
        figure.update_xaxes(**_axis(done[0].distributions[name]), row=row + 1, col=column + 1)
    figure.update_yaxes(tickformat=".3f")
    figure.update_annotations(font_size=12)
    return _styled(figure, height=90 + 190 * lines)


def probes(certificates: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Vocabulary sums, and what moved before a change, over the positions of documents; entries are colors."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for index, (row, certificate) in enumerate(certificates.items()):
        sums = certificate["probes"]["vocabulary"]
        changes = [change for change in certificate["probes"]["future"] if change["kind"] not in ("cut", "grown")]
        shared = {"name": row, "legendgroup": row, "mode": "markers"}
        marker = {"size": 7, "color": SERIES[index % len(SERIES)], "opacity": 0.8}
        figure.add_scatter(
            x=[point["position"] for point in sums],
            y=[point["total"] for point in sums],
            error_y={"type": "data", "array": [point["standard_error"] for point in sums], "thickness": 1, "width": 3},
            text=[f"document {point['document']}, {point['tokens']} tokens tried" for point in sums],
            marker=marker,
            hovertemplate="%{text}<br>position %{x}: sum %{y:.4f}<extra>" + row + "</extra>",
            row=1,
            col=1,
            **shared,
        )
        figure.add_scatter(
            x=[change["changed"] for change in changes],
            y=[max(change["largest"], LEAST_MOVED) for change in changes],
            text=[f"document {change['document']}, {change['kind']} changed" for change in changes],
            marker=marker,
            showlegend=False,
            hovertemplate="%{text} at position %{x}: %{y:.2g} nats moved before it<extra>" + row + "</extra>",
            row=2,
            col=1,
            **shared,
        )
    figure.add_hline(y=1.0, line={"color": INK, "width": 1, "dash": "dot"}, row=1, col=1)
    figure.update_yaxes(title="sum of probabilities", automargin=True, row=1, col=1)
    figure.update_yaxes(title="nats moved before it", type="log", automargin=True, row=2, col=1)
    figure.update_xaxes(type="log")
    figure.update_xaxes(title="position in the document", row=2, col=1)
    return _styled(figure, height=560)


def training_curves(curves: Mapping[str, Sequence[tuple[int, float]]]) -> go.Figure:
    """Loss of every training by step, from pairs of both."""
    figure = go.Figure()
    for index, (label, points) in enumerate(curves.items()):
        figure.add_scatter(
            x=[step for step, _ in points],
            y=[loss for _, loss in points],
            mode="lines",
            name=label,
            line={"width": 1.3, "color": SERIES[index % len(SERIES)]},
            hovertemplate="step %{x}: %{y:.3f}<extra>" + label + "</extra>",
        )
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="training loss, nats per token", automargin=True)
    return _styled(figure, height=360)


def _axis(distribution: str) -> dict[str, Any]:
    """The axis of a parameter, from Optuna's JSON of its distribution."""
    kind = json.loads(distribution)
    if kind["name"] == "CategoricalDistribution":
        return {"type": "category"}
    low, high = kind["attributes"]["low"], kind["attributes"]["high"]
    if kind["name"] == "IntDistribution" and high - low < 8:
        return {"dtick": kind["attributes"]["step"]}
    return {"type": "log", "dtick": "D1" if high / low < 20 else 1} if kind["attributes"]["log"] else {}


def _short(parameters: Mapping[str, Any]) -> str:
    shown = ((name.removeprefix("eval."), value) for name, value in parameters.items())
    return "<br>".join(
        f"{name} = {value:.3g}" if isinstance(value, float) else f"{name} = {value}" for name, value in shown
    )


def _styled(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 45},
        font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure
