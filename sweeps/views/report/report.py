"""The report of a sweep, and that of two rows: one HTML file each that needs nothing beside it, neither network nor
server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader, Environment, StrictUndefined

from golf.files import write_atomically
from jobs.budget import Budget
from jobs.stages.script import is_script_stage
from jobs.stages.stage import title_of
from jobs.state import JobState
from jobs.store import SweepRecord, TrialRecord
from jobs.workplace import Workplace
from sweeps.board.arrays import TRACKS
from sweeps.board.board import Board
from sweeps.entries import reading
from sweeps.entries.audits import read_certificates
from sweeps.entries.curves import read_curves
from sweeps.entries.facts import SweepFacts
from sweeps.entries.lost import Lost
from sweeps.entries.shape import read_entries
from sweeps.entries.superseded import is_current
from sweeps.statistics.documents import Documents
from sweeps.text.escaping import escape_lines, to_chart_text
from sweeps.views.answers import Spent, answers
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.report import pair_charts
from sweeps.views.terminal import compare_text
from sweeps.views.terminal.table import TITLES, explain_columns, format_cells
from sweeps.views.wording import format_p

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TEMPLATES = ("page.html.j2", "board.html.j2", "report.html.j2", "leaderboard.html.j2", "comparison.html.j2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A figure with what a reader should look for in it."""

    title: str
    note: str
    html: str


def write(name: str, board: Board, place: Workplace, lost: Lost | None = None) -> Path:
    """Write a sweep's report as it stands in the store, and return its path.

    What is lost is left out and noted, beside what was missing for its leaderboard already.
    """
    from jobs.machine import environment  # imports torch, to say its version
    from sweeps.views import certificates

    record = place.store.sweep(name)
    assert record is not None
    rows, facts = board.table(), SweepFacts.of(record)
    baseline = facts.baseline if isinstance(facts.baseline, str) else "the published record"
    trials = _trials(facts, place)
    lost = lost or Lost()
    current = [entry for entry in read_entries(place.store, name) if is_current(entry)]
    judged = read_certificates(current, place.files, lost)
    charts = _charts(record, trials, judged, rows, place, lost)
    counts = {stage: states.get(JobState.DONE, 0) for stage, states in place.store.stage_counts(name).items()}
    content = _render(
        "report.html.j2",
        sweep=name,
        rules=facts.rules,
        machine=record.spec["machine"],
        data=record.spec["data"],
        answers=answers(rows, baseline, _spent(record, place)),
        **_board(board, rows),
        charts=charts,
        work=describe_work(counts, sum(trial.value is not None for trial in trials)),
        superseded=[*_former(name, place), *lost.lines()],
        certificates=[(entry, certificates.describe_certificate(certificate)) for entry, certificate in judged.items()],
        text=next((row["validation_set"] for row in rows if row["validation_set"] is not None), None),
        versions=environment.versions(),
        commit=environment.commit(),
    )
    return _write(place.home.report(name), content)


def leaderboard_page(board: Board) -> str:
    """A leaderboard by itself, imported records alone among them, as a page that needs nothing beside it."""
    return _render("leaderboard.html.j2", charts=[], superseded=[], **_board(board, board.table()))


def write_comparison(comparison: Mapping[str, Any], documents: Documents | None, place: Workplace) -> Path:
    """Write the comparison of two entries, with plots of seeds and documents, and return the page's path."""
    c, i = comparison["challenger"], comparison["incumbent"]
    seeds = "Gray lines join the same seed; the incumbent is below." if set(c["seeds"]) & set(i["seeds"]) else ""
    figures = [("Seeds", seeds, pair_charts.paired_seeds(c, i))]
    if documents is not None:
        note = "Each point is one document on artifacts that both entries share; negative: the challenger is better."
        figures.append(("Documents", note, pair_charts.paired_documents(documents)))
    content = _render(
        "comparison.html.j2",
        comparison=comparison,
        tests=[(title, comparison["tests"][name]) for name, title in compare_text.name_tests().items()],
        sentences=compare_text.list_conclusions(comparison),
        charts=[
            Chart(title=title, note=note, html=pair_charts.to_html(figure, f"chart-{index}"))
            for index, (title, note, figure) in enumerate(figures)
        ],
        format_value=compare_text.format_value,
    )
    names = ["-".join(part for part in (side["sweep"], side["name"]) if part) for side in (c, i)]
    return _write(place.home.comparison(names), content)


def describe_work(done: Mapping[str, int], trials: int) -> str:
    """What was done, by the names that people know.

    Args:
        done: finished jobs by stage.
        trials: trials that have a score.
    """
    if any(is_script_stage(stage) for stage in done):
        runs = [f"{count} {title_of(stage)} jobs" for stage, count in done.items() if is_script_stage(stage)]
        return ", ".join([*runs, f"{trials} trials"])
    return f"{done.get('train', 0)} trainings, {trials} trials, {done.get('eval', 0)} evaluations"


def describe_trial_documents(file: Mapping[str, Any]) -> str:
    """What the trials of a sweep file are scored on."""
    if "script" in file and file["data"].get("validation", "given") == "given":
        return "On the validation set itself, as the script is given it; only the seeds are others."
    return "On tuning documents, which are neither trained on nor part of the validation set."


def _charts(
    record: SweepRecord,
    trials: Sequence[TrialRecord],
    judged: Mapping[str, Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    place: Workplace,
    lost: Lost,
) -> list[Chart]:
    from sweeps.views.report import charts  # imports plotly, which takes longer than a comparison

    figures: list[tuple[str, str, go.Figure | None]] = []
    for track in TRACKS:
        scored = [row for row in rows if row["track"] == track and row["val_bpb_mean"] is not None]
        shown = [{**row, "name": to_chart_text(row["name"])} for row in scored]
        note = "Each point is one seed on the whole validation set; the bar is the 95 % t interval of the mean."
        figures.append((f"Scores by seed: {track} entries", note, charts.seed_scores(shown) if shown else None))
    if trials:
        note = describe_trial_documents(record.spec["file"])
        given = SweepFacts.of(record).given_trials
        figures.append(("Score by trial", note, charts.trial_scores(trials, given)))
        note = "The same scores against each searched setting; darker points are later trials."
        figures.append(("Effect of the multipliers and other settings", note, charts.parameter_effects(trials)))
    if named := {to_chart_text(entry): certificate for entry, certificate in judged.items()}:
        note = (
            "The audit judges each entry's scorer from outside. Above: it puts every token of the vocabulary at one "
            "position of a document and adds up the probabilities; a scorer that does not use its target gives 1, and "
            "a sum above 1 is unearned. Bars: only some tokens were tried. Below: it changes tokens from one position "
            "on; earlier losses must not move."
        )
        figures.append(("Certificates: the two probes over the positions of documents", note, charts.probes(named)))
    if curves := read_curves(record.name, place, lost):
        figure = charts.training_curves({to_chart_text(curve.label): curve.points for curve in curves})
        figures.append(("Training curves", "Loss of every training, by the entries that need it and its seed.", figure))
    return [
        _chart(index, title, note, figure) for index, (title, note, figure) in enumerate(figures) if figure is not None
    ]


def _trials(facts: SweepFacts, place: Workplace) -> list[TrialRecord]:
    """Trials of the sweep's search; an earlier, longer one may have drawn more."""
    if facts.search is None:
        return []
    return [trial for trial in place.store.trials(facts.name, facts.search) if trial.number < facts.trials]


def _former(name: str, place: Workplace) -> list[str]:
    """A line for a sweep's entries that are not on its leaderboard any more."""
    superseded = [former.line for former in reading.superseded_of(place) if former.sweep == name]
    return superseded + [former.line for former in reading.withdrawn_of(place) if former.sweep == name]


def _board(board: Board, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the leaderboard's part of a page shows."""
    return {
        "tracks": [(TITLES[track], shown) for track in TRACKS if (shown := _shown(rows, track))],
        "explanation": explain_columns(),
        "changes": [change for change in board.changes() if change["track"] != "flagged"],
    }


def _shown(rows: Sequence[Mapping[str, Any]], track: str) -> list[dict[str, Any]]:
    """Entries of one track as the page shows them."""
    return [
        {"cells": format_cells(row), "facts": describe_evidence(row), "findings": row["findings"]}
        for row in rows
        if row["track"] == track
    ]


def _spent(record: SweepRecord, place: Workplace) -> Spent:
    """Slot-hours of the sweep's attempts, failed and lost ones included, and their price."""
    hours = place.store.account(record.name).spent
    return Spent(slot_hours=hours, dollars=Budget(**record.budget or {}).cost(hours))


def _chart(index: int, title: str, note: str, figure: "go.Figure") -> Chart:
    html = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{index}", config=pair_charts.CONFIG)
    return Chart(title=title, note=note, html=html)


def _render(name: str, **content: Any) -> str:
    folder = files("sweeps.views.report").joinpath("templates")
    sources = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _TEMPLATES}
    # Names of rows come from the sweep's file: everything is escaped but the charts and the library.
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_show_foreign_text,
    )
    environment.filters["p"] = format_p
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    plotly = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return environment.get_template(name).render(written=written, plotly=plotly, **content)


def _show_foreign_text(value: Any) -> Any:
    """Text for a page: characters that a browser would obey are shown as escapes; markup of our own stays."""
    return escape_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode())
    return path
