"""The leaderboard as text: a table for each track with its findings beneath; fits any width, readable without color.

To show another column in the table, add a line to `CELLS`: a heading (a comma breaks it) and a function from the
entry's columns to the lines of its cell. To show it beneath the table, see sweeps.views.entry_facts.
"""

from collections.abc import Callable, Mapping, Sequence

from rich.console import Group
from rich.text import Text

from sweeps.board.arrays import TRACKS
from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.text.escaping import escape
from sweeps.text.table import FittedColumn, FittedTable
from sweeps.views.entry_facts import EntryColumns, deciding_p, describe_evidence
from sweeps.views.wording import duration, format_dollars, format_p

TITLES = {
    "legal": "Legal",
    "flagged": "Flagged: shown, never ranked with legal entries",
    "unverified": "Unverified: nothing could be judged from outside",
}
NO_ENTRIES = "No confirmed entries yet."
EVIDENCE = "Evidence for the leader"
TEXT_HEADINGS = ("entry", "seeds")
"""Columns that are aligned to the left."""
ALWAYS_SHOWN = ("#", "entry")
"""Columns that the narrowest terminal shows."""
BY_IMPORTANCE = ("bpb ± std", "p base, best, shown", "95 %", "bytes, cost", "train, eval", "seeds")
"""The other columns, in the order in which a narrow terminal keeps them; a column not named here goes first."""
_PASSED = {True: "yes", False: "no"}


def format_cells(entry: EntryColumns) -> dict[str, list[str]]:
    """Heading → lines of an entry's cell; a dash for an unknown value."""
    return {heading: make_lines(entry) for heading, make_lines in CELLS.items()}


def explain_columns() -> str:
    """What the p-values and verdicts of the table mean, for a line beneath it."""
    rules = " / ".join(f"by the {rule.title} ({rule.requirement})" for rule in MARGIN_RULES.values())
    return (
        f"p base: against the baseline with a margin of {written_margin_text()}; best: against the current record, "
        "without margin. Both by Welch's test over seeds, or paired where the two evaluate the same trainings. "
        f"shown: whether it beats that record {rules}."
    )


def render(table: Sequence[EntryColumns]) -> Group:
    """Render every track that has entries, legal first."""
    parts: list[FittedTable | Text] = []
    for track in TRACKS:
        entries = [entry for entry in table if entry["track"] == track]
        if entries:
            parts += [_render_track(TITLES[track], entries), *_list_findings(entries), _show_evidence(entries[0])]
            parts.append(Text())
    return Group(*parts, Text(explain_columns(), style="dim")) if parts else Group(Text(NO_ENTRIES))


def _render_track(title: str, entries: Sequence[EntryColumns]) -> FittedTable:
    return FittedTable(
        columns=list(map(_make_column, CELLS)),
        rows=[list(format_cells(entry).values()) for entry in entries],
        title=title,
        elsewhere="a wider terminal, --json or --format csv shows them",
    )


def _make_column(heading: str) -> FittedColumn:
    places = {name: place for place, name in enumerate(BY_IMPORTANCE, 1)}
    return FittedColumn(
        heading=heading.replace(", ", "\n"),
        side="left" if heading in TEXT_HEADINGS else "right",
        too_long="shorten" if heading == "entry" else "leave out",
        order=0 if heading in ALWAYS_SHOWN else places.get(heading, len(places) + 1),
    )


def _list_findings(entries: Sequence[EntryColumns]) -> list[Text]:
    return [
        Text(escape(f"  {entry['name']} – {finding['code']}: {finding['detail']}"), style="dim")
        for entry in entries
        for finding in entry["findings"]
    ]


def _show_evidence(entry: EntryColumns) -> Text:
    lines = [escape(f"  {heading}: {text}") for heading, text in describe_evidence(entry).items()]
    return Text("\n".join([f"  {EVIDENCE}", *lines]), style="dim")


def _show_interval(entry: EntryColumns) -> list[str]:
    ci95 = entry["val_bpb_ci95"]
    return [_format(end, "{:.4f}") for end in ci95] if ci95 else ["–"]


def _show_tests(entry: EntryColumns) -> list[str]:
    passed = "/".join(_PASSED.get(entry[rule], "–") for rule in MARGIN_RULES)
    base = entry["p_value"] if entry["p_paired_seeds"] is None else entry["p_paired_seeds"]
    return [format_p(base), format_p(deciding_p(entry, MARGIN_RULES["precedent"])), passed]


def _show_cost(entry: EntryColumns) -> str:
    return "–" if entry["cost"] is None else format_dollars(entry["cost"])


def _show_seconds(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _format(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


CELLS: Mapping[str, Callable[[EntryColumns], list[str]]] = {
    "#": lambda entry: [_format(entry["rank"], "{}")],
    "entry": lambda entry: [entry["name"]],
    "bpb ± std": lambda entry: [_format(entry["val_bpb_mean"], "{:.4f}"), _format(entry["val_bpb_std"], "± {:.4f}")],
    "95 %": _show_interval,
    "seeds": lambda entry: [f"{seed}: {_format(bpb, '{:.4f}')}" for seed, bpb in entry["seeds"].items()],
    "p base, best, shown": _show_tests,
    "bytes, cost": lambda entry: [_format(entry["bytes_total"], "{:,}"), _show_cost(entry)],
    "train, eval": lambda entry: [_show_seconds(entry["train_seconds"]), _show_seconds(entry["eval_seconds"])],
}
"""Heading → how the lines of its cell are made, from left to right."""
