"""The report of a sweep: one HTML file that needs nothing beside it, neither network nor server."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, StrictUndefined
from plotly.offline import get_plotlyjs

from golf.files import write_atomically
from jobs.environment import commit, versions
from sweeps import certificates, charts, results
from sweeps.leaderboard import TRACKS
from sweeps.session import Workplace
from sweeps.sweep import Sweep
from sweeps.table import TITLES, cells

_CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A figure with what a reader should look for in it."""

    title: str
    note: str
    html: str


def write(sweep: Sweep, frame: pd.DataFrame, place: Workplace) -> Path:
    """Write a sweep's report as it stands in the store, and return its path."""
    driver = sweep.driver(place.store, read_only=True)
    driver.step()
    search = sweep.spec.search
    trials = driver.trials()
    figures: list[tuple[str, str, go.Figure | None]] = []
    for track in TRACKS:
        rows = _rows(frame, track)
        note = "Each point is one seed on the whole validation set; the bar is the 95 % t interval of the mean."
        figures.append((f"Scores by seed: {track} rows", note, charts.seed_scores(rows) if rows else None))
    if search is not None and trials:
        note = "On tuning documents, which are neither trained on nor part of the validation set."
        figures.append(("Score by trial", note, charts.trial_scores(trials, len(search.first))))
        note = "The same scores against each searched setting; darker points are later trials."
        figures.append(("Effect of the multipliers and other settings", note, charts.parameter_effects(trials)))
    if judged := results.certificates(driver, place.files):
        note = (
            "Each row was judged from outside. Above: every token of the vocabulary was put in turn at one entry of a "
            "document, and the probabilities it would have had were added up; a score that was fixed before its target "
            "was looked at gives exactly 1, and what is above 1 was stolen. Bars: where only some tokens were tried. "
            "Below: tokens were changed from one entry on; nothing before it may move."
        )
        figures.append(("Certificates: the two probes over the entries of documents", note, charts.probes(judged)))
    if curves := results.curves(driver, place.files):
        figures.append(("Training curves", "Loss of every seed's training.", charts.training_curves(curves)))
    content = _template().render(
        sweep=sweep,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tracks=[(TITLES[track], [_cells(row) for row in rows]) for track in TRACKS if (rows := _rows(frame, track))],
        best=next(iter(_rows(frame, "legal")), None),
        charts=[_chart(index, *one) for index, one in enumerate(figures) if one[2] is not None],
        trials=sum(trial.value is not None for trial in trials),
        trainings=len(driver.finished("train")),
        evaluations=len(driver.finished("eval")),
        certificates=[(row, certificates.lines(one)) for row, one in judged.items()],
        versions=versions(),
        commit=commit(),
        plotly=get_plotlyjs(),
    )
    path = place.home.report(sweep.spec.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode())
    return path


def _rows(frame: pd.DataFrame, track: str) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for _, row in frame[frame["track"] == track].iterrows()]


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {"cells": cells(row), "findings": row["findings"]}


def _chart(index: int, title: str, note: str, figure: go.Figure | None) -> Chart:
    assert figure is not None
    html = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{index}", config=_CONFIG)
    return Chart(title=title, note=note, html=html)


def _template() -> Any:
    source = files("sweeps").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    # Names of rows come from the sweep's file: everything is escaped but the charts and the library.
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(source)
