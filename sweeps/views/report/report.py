"""Pages as HTML files that need nothing beside them, neither network nor server: a sweep's report, a leaderboard, the
comparison of two entries.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.workplace import Workplace
from sweeps.board.board import Board
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
from sweeps.views.report.header import describe_sweep, list_failures, list_former, now, write_page
from sweeps.views.report.sections import list_sections
from sweeps.views.report.tables import explain_tables, list_tables
from sweeps.views.terminal.formats import to_csv
from sweeps.views.verdicts.known_names import words_for
from sweeps.views.verdicts.read_verdict import advance_comparison, read_verdict

MOST_ENTRIES = 150
"""Entries of a track that a report shows."""
MOST_ROWS = 40
"""Entries up to which a page carries the leaderboard as a file."""


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
    text = next((row["validation_set"] for row in rows if row["validation_set"] is not None), None)
    csv = to_csv(rows) if 0 < len(rows) <= MOST_ROWS else None
    content = render(
        "report.html.j2",
        sweep=name,
        facts=describe_sweep(record, facts.rules, place),
        verdict=prepare_verdict_bar(verdict),
        problems=[*list_failures(record, place, words, verdict), *list_former(name, place), *lost.lines()],
        failed=record.state == "failed",
        tables=list_tables(rows, board.baseline, MOST_ENTRIES, words),
        explanation=explain_tables(),
        notes=[],
        sections=[*sections, describe_provenance(record, words, csv, text)],
    )
    return write_page(place.home.report(name), content)


def leaderboard_page(board: Board, sweep: str | None, place: Workplace) -> str:
    """The leaderboard of a sweep, or of imported records alone, as a page that needs nothing beside it."""
    rows = board.table()
    changes = [change for change in board.changes() if change["track"] != "flagged"]
    figure = prepare_frontier(changes)
    return render(
        "leaderboard.html.j2",
        facts=f"{len(rows)} entr{'y' if len(rows) == 1 else 'ies'} · written {now()}",
        verdict=prepare_verdict_bar(read_verdict(sweep, rows, place)),
        tables=list_tables(rows, board.baseline),
        explanation=explain_tables(),
        notes=[],
        figures=[] if figure is None else [figure],
    )


def write_comparison(comparison: Mapping[str, Any], documents: Documents | None, place: Workplace) -> Path:
    """Write the comparison of two entries, with plots of seeds and documents, and return the page's path."""
    c, i = comparison["challenger"], comparison["incumbent"]
    step = advance_comparison(comparison, place)
    content = render("comparison.html.j2", written=now(), **prepare_comparison(comparison, documents, step))
    files = ["-".join(part for part in (side["sweep"], side["name"]) if part) for side in (c, i)]
    return write_page(place.home.comparison(files), content)
