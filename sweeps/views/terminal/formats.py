"""The leaderboard in forms that other programs and review threads read: CSV and Markdown."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.board.board import TRACKS
from sweeps.board.leaderboard import COLUMNS
from sweeps.views.row_facts import facts
from sweeps.views.terminal.table import TITLES, cells


def to_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """All columns; what is not known is empty, what has parts is JSON."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_field(row[name]) for name in COLUMNS] for row in table)
    return stream.getvalue()


def to_markdown(table: Sequence[Mapping[str, Any]]) -> str:
    """A table a track as a review thread shows it, with the findings beneath."""
    parts = []
    for track in TRACKS:
        rows = [row for row in table if row["track"] == track]
        if not rows:
            continue
        shown = [cells(row) for row in rows]
        lines = [_line([_escaped(name) for name in shown[0]]), _line(["---"] * len(shown[0]))]
        lines += [_line(["<br>".join(map(_escaped, part)) for part in row.values()]) for row in shown]
        notes = [
            f"- {_escaped(row['name'])} – {one['code']}: {_escaped(one['detail'])}"
            for row in rows
            for one in row["findings"]
        ]
        rests = [f"- {_escaped(row['name'])} rests on – {_rests_on(row)}" for row in rows]
        parts.append("\n".join([f"### {TITLES[track]}", "", *lines, "", *notes, *rests]))
    return "\n\n".join(parts) + "\n" if parts else "No confirmed rows yet.\n"


def _rests_on(row: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {_escaped(text)}" for name, text in facts(row).items())


def _line(parts: list[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\`*_{}[]<>|":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


def _field(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
