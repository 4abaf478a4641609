"""Pages as HTML files that need nothing beside them, neither network nor server: a sweep's report, a leaderboard, the
comparison of two entries.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golf.files import write_atomically
from jobs.stages.script import is_script_stage
from jobs.stages.stage import title_of
from jobs.state import JobState
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.entries import reading
from sweeps.entries.audits import read_certificates
from sweeps.entries.facts import SweepFacts
from sweeps.entries.lost import Lost
from sweeps.entries.shape import read_entries
from sweeps.entries.superseded import is_current
from sweeps.statistics.documents import Documents
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.drawing import render
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.report.comparison import prepare_comparison
from sweeps.views.report.evidence import describe_provenance
from sweeps.views.report.sections import list_sections, read_trials
from sweeps.views.report.tables import explain_tables, list_tables
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.known_names import words_for
from sweeps.views.verdicts.read_verdict import advance_comparison, read_spent, read_verdict
from sweeps.views.verdicts.verdict import SweepVerdict
from sweeps.views.wording import format_hours

MOST_ENTRIES = 150
"""Entries of a track that a report shows."""
MOST_FAILURES = 5
"""Failed jobs that a report names."""


def write(name: str, board: Board, place: Workplace, lost: Lost | None = None) -> Path:
    """Write a sweep's report as it stands in the store, and return its path.

    What is lost is left out and noted, beside what was missing for its leaderboard already.
    """
    record = place.store.sweep(name)
    assert record is not None
    rows, facts, lost = board.table(), SweepFacts.of(record), lost or Lost()
    words = words_for(name, place)
    verdict = read_verdict(name, rows, place)
    current = [entry for entry in read_entries(place.store, name) if is_current(entry)]
    judged = read_certificates(current, place.files, lost)
    sections = list(list_sections(record, board, rows, verdict.leader, judged, place, lost))
    content = render(
        "report.html.j2",
        sweep=name,
        facts=_describe_sweep(record, facts, place),
        verdict=prepare_verdict_bar(verdict),
        problems=[*_list_failures(record, place, words, verdict), *_former(name, place), *lost.lines()],
        failed=record.state == "failed",
        tables=list_tables(rows, board.baseline, MOST_ENTRIES, words),
        explanation=explain_tables(),
        notes=[],
        sections=[*sections, describe_provenance(record, rows, words)],
    )
    return _write(place.home.report(name), content)


def leaderboard_page(board: Board) -> str:
    """A leaderboard by itself, imported records alone among them, as a page that needs nothing beside it."""
    rows = board.table()
    changes = [change for change in board.changes() if change["track"] != "flagged"]
    figure = prepare_frontier(changes)
    return render(
        "leaderboard.html.j2",
        facts=f"{len(rows)} entr{'y' if len(rows) == 1 else 'ies'} · written {_now()}",
        tables=list_tables(rows, board.baseline),
        explanation=explain_tables(),
        notes=[],
        figures=[] if figure is None else [figure],
    )


def write_comparison(comparison: Mapping[str, Any], documents: Documents | None, place: Workplace) -> Path:
    """Write the comparison of two entries, with plots of seeds and documents, and return the page's path."""
    c, i = comparison["challenger"], comparison["incumbent"]
    step = advance_comparison(comparison, place)
    content = render("comparison.html.j2", written=_now(), **prepare_comparison(comparison, documents, step))
    files = ["-".join(part for part in (side["sweep"], side["name"]) if part) for side in (c, i)]
    return _write(place.home.comparison(files), content)


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


def _describe_sweep(record: SweepRecord, facts: SweepFacts, place: Workplace) -> str:
    """State, work, time spent and rules in a line."""
    done = {stage: states.get(JobState.DONE, 0) for stage, states in place.store.stage_counts(record.name).items()}
    trials = sum(trial.value is not None for trial in read_trials(facts, place))
    spent = read_spent(record, place)
    state = f"{record.state} ({record.reason})" if record.reason else record.state
    parts = [state, describe_work(done, trials), format_hours(spent.slot_hours, spent.unit), f"rules: {facts.rules}"]
    return " · ".join([*parts, f"written {_now()}"])


def _list_failures(record: SweepRecord, place: Workplace, words: CommandWords, verdict: SweepVerdict) -> list[str]:
    """A line for each failed job, and what runs them again, if that is not the next step anyway."""
    failed = place.store.jobs(record.name, [JobState.FAILED])
    lines = [
        f"Failed: {job.order.label}: {job.reason} (golfsweep show {job.key[:12]})" for job in failed[:MOST_FAILURES]
    ]
    if len(failed) > MOST_FAILURES:
        lines.append(f"{len(failed) - MOST_FAILURES} more failed: golfsweep status {record.name}")
    is_next = verdict.next.command == words.retry()
    return [*lines, *([f"To run failed jobs again: {words.retry()}"] if failed and not is_next else [])]


def _former(name: str, place: Workplace) -> list[str]:
    """A line for a sweep's entries that are not on its leaderboard any more."""
    superseded = [former.line for former in reading.superseded_of(place) if former.sweep == name]
    return superseded + [former.line for former in reading.withdrawn_of(place) if former.sweep == name]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode())
    return path
