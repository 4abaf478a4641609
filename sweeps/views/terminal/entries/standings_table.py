"""The standings of a contest as text: a table for each track with its findings beneath; fits any width."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from sweeps.contests.contest import Contest
from sweeps.text.escaping import escape, escape_markdown, to_csv_field
from sweeps.text.table import FittedColumn, FittedTable
from sweeps.views.wording import format_p

Row = Mapping[str, Any]
TITLES = {
    "legal": "Legal",
    "unverified": "Unverified: passes or fails by its logs alone",
    "flagged": "Flagged: shown, never ranked",
}
NO_ENTRIES = "No entries yet."
ALWAYS_SHOWN = ("#", "entry")
"""Columns that the narrowest terminal shows."""
BY_IMPORTANCE = ("value", "mean", "verdict", "runs", "p target", "p", "against", "± std", "date")
"""The other columns, in the order in which a narrow terminal keeps them."""
TEXT_HEADINGS = ("entry", "verdict", "against")


def _show(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _show_value(row: Row) -> str:
    return _show(
        row["value"], ",.0f" if row["ranked_by"] == "steps" else ",.3f" if row["ranked_by"] == "seconds" else ".5f"
    )


CELLS: Mapping[str, Callable[[Row], str]] = {
    "#": lambda row: _show(row["rank"], "d"),
    "entry": lambda row: str(row["name"]),
    "value": _show_value,
    "mean": lambda row: _show(row["mean"], ".5f"),
    "± std": lambda row: _show(row["std"], ".5f"),
    "runs": lambda row: str(row["n"]),
    "p target": lambda row: format_p(row["rule"]["p_value"]),
    "verdict": lambda row: str(row["verdict"]),
    "against": lambda row: str(row["verdict_against"] or "–"),
    "p": lambda row: format_p(row["improvement"]["p_value"] if row["improvement"] else None),
    "date": lambda row: str(row["date"] or "–"),
}
"""Heading → how its cell is made, from left to right; `value` is called after what is ranked."""


def render_standings(contest: Contest, rows: Sequence[Row]) -> Group:
    """Render every track that has entries."""
    parts: list[FittedTable | Text] = [Text(escape(f"{contest.title} ({contest.name})"), style="bold"), Text()]
    for track, title in TITLES.items():
        entries = [row for row in rows if row["track"] == track]
        if entries:
            parts += [_make_table(title, contest, entries), *_list_findings(entries), Text()]
    return Group(*parts, Text(escape(explain_rule(contest)), style="dim")) if rows else Group(Text(NO_ENTRIES))


def standings_to_csv(rows: Sequence[Row]) -> str:
    """All columns as CSV: an unknown value is empty, a table or list is JSON."""
    import csv
    import io

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(rows[0] if rows else ())
    writer.writerows([to_csv_field(value) for value in row.values()] for row in rows)
    return stream.getvalue()


def standings_to_markdown(contest: Contest, rows: Sequence[Row]) -> str:
    """A Markdown table for each track, with findings beneath."""
    parts = [f"## {escape_markdown(contest.title)}"]
    for track, title in TITLES.items():
        entries = [row for row in rows if row["track"] == track]
        if not entries:
            continue
        lines = [f"### {title}", "", _make_line(_headings(contest)), _make_line(["---"] * len(CELLS))]
        lines += [_make_line([escape_markdown(cell(row)) for cell in CELLS.values()]) for row in entries]
        findings = [
            f"- {escape_markdown(row['name'])} – {finding['code']}: {escape_markdown(finding['detail'])}"
            for row in entries
            for finding in row["findings"]
        ]
        parts.append("\n".join([*lines, *([""] if findings else []), *findings]))
    return "\n\n".join([*parts, escape_markdown(explain_rule(contest))]) + "\n"


def explain_rule(contest: Contest) -> str:
    """The rule of a contest in a line."""
    rule, better = contest.rule, contest.improvement
    parts = {
        "known-sigma": f"p target: (target − mean)·√n ≥ {rule.threshold} with the target {rule.target} and the known "
        f"deviation {rule.sigma}",
        "target": f"p target: one-sample t-test that the mean is beyond {rule.target}, p < {rule.level}",
        "welch": "",
    }
    text = f"{parts[rule.test]}; only entries that pass it have a rank."
    if better is not None:
        test = f"Welch's test of the {contest.ranked.by}" if better.test == "welch" else "the same with what was saved"
        text += f" p: against the record of its date, {test}."
    if contest.machine.compare == "same":
        text += f" {contest.ranked.by.capitalize()} are compared, and ranked, within one machine only."
    return text


def _make_table(title: str, contest: Contest, rows: Sequence[Row]) -> FittedTable:
    columns = [
        FittedColumn(
            heading=shown,
            side="left" if heading in TEXT_HEADINGS else "right",
            too_long="shorten" if heading in ("entry", "against") else "leave out",
            order=0 if heading in ALWAYS_SHOWN else BY_IMPORTANCE.index(heading) + 1,
        )
        for heading, shown in zip(CELLS, _headings(contest), strict=True)
    ]
    return FittedTable(
        columns=columns,
        rows=[[[cell(row)] for cell in CELLS.values()] for row in rows],
        title=title,
        elsewhere="a wider terminal, --json or --format csv shows them",
    )


def _headings(contest: Contest) -> list[str]:
    return [contest.ranked.by if heading == "value" else heading for heading in CELLS]


def _list_findings(rows: Sequence[Row]) -> Iterator[Text]:
    for row in rows:
        for finding in row["findings"]:
            yield Text(escape(f"  {row['name']} – {finding['code']}: {finding['detail']}"), style="dim")


def _make_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
