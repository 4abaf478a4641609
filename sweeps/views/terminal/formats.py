"""The leaderboard as CSV for programs and as Markdown for review threads."""

import csv
import io
from collections.abc import Sequence

from sweeps.board.arrays import TRACKS
from sweeps.board.columns.catalog import COLUMNS
from sweeps.text.escaping import escape_markdown, to_csv_field
from sweeps.views.entry_facts import EntryColumns, describe_evidence
from sweeps.views.terminal.table import CELLS, NO_ENTRIES, TITLES, format_cells


def to_csv(table: Sequence[EntryColumns]) -> str:
    """All columns as CSV: an unknown value is empty, a table or list is JSON."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([to_csv_field(entry[name]) for name in COLUMNS] for entry in table)
    return stream.getvalue()


def to_markdown(table: Sequence[EntryColumns]) -> str:
    """A Markdown table for each track, with findings and evidence beneath."""
    parts = []
    for track in TRACKS:
        entries = [entry for entry in table if entry["track"] == track]
        if entries:
            parts.append("\n".join([f"### {TITLES[track]}", "", *_make_table(entries), "", *_make_notes(entries)]))
    return "\n\n".join(parts) + "\n" if parts else f"{NO_ENTRIES}\n"


def _make_table(entries: Sequence[EntryColumns]) -> list[str]:
    head = [_make_line([escape_markdown(heading) for heading in CELLS]), _make_line(["---"] * len(CELLS))]
    rows = [format_cells(entry).values() for entry in entries]
    return [*head, *(_make_line(["<br>".join(map(escape_markdown, lines)) for lines in row]) for row in rows)]


def _make_notes(entries: Sequence[EntryColumns]) -> list[str]:
    findings = [
        f"- {escape_markdown(entry['name'])} – {escape_markdown(finding['code'])}: {escape_markdown(finding['detail'])}"
        for entry in entries
        for finding in entry["findings"]
    ]
    return [
        *findings,
        *(f"- Evidence for {escape_markdown(entry['name'])} – {_show_evidence(entry)}" for entry in entries),
    ]


def _show_evidence(entry: EntryColumns) -> str:
    return "; ".join(f"{heading}: {escape_markdown(text)}" for heading, text in describe_evidence(entry).items())


def _make_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
