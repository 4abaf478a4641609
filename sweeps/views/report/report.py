"""The report of a sweep, and that of two rows: one HTML file each that needs nothing beside it, neither network nor
server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import DictLoader, Environment, StrictUndefined
from plotly.offline import get_plotlyjs

from golf.files import write_atomically
from jobs.machine.environment import commit, versions
from jobs.workplace import Workplace
from sweeps.board.arrays import TRACKS
from sweeps.board.board import Board
from sweeps.run import results
from sweeps.run.driver import Driver
from sweeps.spec.sweep import Sweep
from sweeps.views import certificates
from sweeps.views.answers import Spent, answers
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.report import charts
from sweeps.views.terminal import compare_text
from sweeps.views.terminal.table import TITLES, explain_columns, format_cells, list_entries
from sweeps.views.wording import format_p

_CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}
_TEMPLATES = ("page.html.j2", "board.html.j2", "report.html.j2", "leaderboard.html.j2", "comparison.html.j2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A figure with what a reader should look for in it."""

    title: str
    note: str
    html: str


def write(sweep: Sweep, board: Board, place: Workplace) -> Path:
    """Write a sweep's report as it stands in the store, and return its path."""
    driver = sweep.driver(place.store, read_only=True)
    driver.step()
    frame = board.frame()
    rows = list_entries(frame)
    baseline = sweep.spec.baseline if isinstance(sweep.spec.baseline, str) else "the published record"
    trials = driver.trials()
    judged = results.certificates(driver, place.files)
    content = _render(
        "report.html.j2",
        sweep=sweep,
        answers=answers(rows, baseline, _spent(sweep, place)),
        **_board(board, rows),
        charts=_charts(sweep, driver, rows, place),
        trials=sum(trial.value is not None for trial in trials),
        trainings=len(driver.finished("train")),
        evaluations=len(driver.finished("eval")),
        certificates=[(row, certificates.describe_certificate(one)) for row, one in judged.items()],
        text=next((row["validation_set"] for row in rows if row["validation_set"] is not None), None),
        versions=versions(),
        commit=commit(),
    )
    return _write(place.home.report(sweep.spec.name), content)


def leaderboard_page(board: Board) -> str:
    """A leaderboard by itself, imported records alone among them, as a page that needs nothing beside it."""
    return _render("leaderboard.html.j2", charts=[], **_board(board, list_entries(board.frame())))


def write_comparison(found: Mapping[str, Any], documents: pd.DataFrame | None, place: Workplace) -> Path:
    """Write what `compare` found of two rows, with plots of seeds and documents, and return the page's path."""
    c, i = found["challenger"], found["incumbent"]
    seeds = "Grey lines join the same seed; the incumbent is below." if set(c["seeds"]) & set(i["seeds"]) else ""
    figures: list[tuple[str, str, go.Figure | None]] = [("Seeds", seeds, charts.paired_seeds(c, i))]
    if documents is not None:
        note = "Each point is one document on the artifacts that both rows share; negative: the challenger is better."
        figures.append(("Documents", note, charts.paired_documents(documents)))
    content = _render(
        "comparison.html.j2",
        found=found,
        tests=[(title, found["tests"][name]) for name, title in compare_text.name_tests().items()],
        sentences=compare_text.list_conclusions(found),
        charts=[_chart(index, *one) for index, one in enumerate(figures)],
        format_value=compare_text.format_value,
    )
    names = ["-".join(part for part in (side["sweep"], side["name"]) if part) for side in (c, i)]
    return _write(place.home.comparison(names), content)


def _charts(sweep: Sweep, driver: Driver, rows: Sequence[Mapping[str, Any]], place: Workplace) -> list[Chart]:
    figures: list[tuple[str, str, go.Figure | None]] = []
    for track in TRACKS:
        shown = [row for row in rows if row["track"] == track and row["val_bpb_mean"] is not None]
        note = "Each point is one seed on the whole validation set; the bar is the 95 % t interval of the mean."
        figures.append((f"Scores by seed: {track} rows", note, charts.seed_scores(shown) if shown else None))
    search, trials = sweep.spec.search, driver.trials()
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
    return [_chart(index, *one) for index, one in enumerate(figures) if one[2] is not None]


def _board(board: Board, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the leaderboard's part of a page shows."""
    return {
        "tracks": [(TITLES[track], shown) for track in TRACKS if (shown := _shown(rows, track))],
        "explanation": explain_columns(),
        "changes": [one for one in board.changes() if one["track"] != "flagged"],
    }


def _shown(rows: Sequence[Mapping[str, Any]], track: str) -> list[dict[str, Any]]:
    """Rows of one track as the page shows them."""
    return [
        {"cells": format_cells(row), "facts": describe_evidence(row), "findings": row["findings"]}
        for row in rows
        if row["track"] == track
    ]


def _spent(sweep: Sweep, place: Workplace) -> Spent:
    """Slots for as long as attempts for this sweep held them, failed and lost ones included."""
    hours = place.store.account(sweep.spec.name).spent
    return Spent(slot_hours=hours, dollars=sweep.spec.budget.limits().cost(hours))


def _chart(index: int, title: str, note: str, figure: go.Figure | None) -> Chart:
    assert figure is not None
    html = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{index}", config=_CONFIG)
    return Chart(title=title, note=note, html=html)


def _render(name: str, **content: Any) -> str:
    folder = files("sweeps.views.report").joinpath("templates")
    sources = {one: folder.joinpath(one).read_text(encoding="utf-8") for one in _TEMPLATES}
    # Names of rows come from the sweep's file: everything is escaped but the charts and the library.
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["p"] = format_p
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template(name).render(written=written, plotly=get_plotlyjs(), **content)


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode())
    return path
