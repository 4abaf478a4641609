"""The leaderboard as text: one table a track, reasons beneath; fits 80 columns, readable without color."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from sweeps.board.board import TRACKS
from sweeps.views.row_facts import facts
from sweeps.views.wording import dollars, duration, p_text

TITLES = {
    "legal": "Legal",
    "flagged": "Flagged: shown, never ranked with legal rows",
    "unverified": "Unverified: nothing could be judged from outside",
}
LEGEND = (
    "p base: Welch against the baseline with 0.005 nats per token; best: against the record of its date, without. "
    "shown: that it beats that record, by the challenge's text (0.005 nats, p < 0.01) / by practice (p < 0.25)."
)
_TEXT_COLUMNS = ("row", "seeds")
_WORDS = {True: "yes", False: "no"}


def cells(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines of every cell of a row by column; what is not known is a dash."""
    ci95, cost = row["val_bpb_ci95"], row["cost"]
    shown = "/".join(_WORDS.get(row[rule], "–") for rule in ("challenge", "practice"))
    return {
        "#": [_known(row["rank"], "{}")],
        "row": [row["name"]],
        "bpb ± std": [_known(row["val_bpb_mean"], "{:.4f}"), _known(row["val_bpb_std"], "± {:.4f}")],
        "95 %": [_known(end, "{:.4f}") for end in ci95] if ci95 else ["–"],
        "seeds": [f"{seed}: {_known(bpb, '{:.4f}')}" for seed, bpb in row["seeds"].items()],
        "p base, best, shown": [p_text(row["p_value"]), p_text(row["p_incumbent"]), shown],
        "bytes, cost": [_known(row["bytes_total"], "{:,}"), "–" if cost is None else dollars(cost)],
        "train, eval": [_seconds(row["train_seconds"]), _seconds(row["eval_seconds"])],
    }


def render(table: Sequence[Mapping[str, Any]]) -> Group:
    """All tracks that have entries, legal first."""
    parts: list[Table | Text] = []
    for track in TRACKS:
        rows = [row for row in table if row["track"] == track]
        if rows:
            parts += [_table(TITLES[track], rows), *_notes(rows), _rests_on(rows[0]), Text()]
    return Group(*parts, Text(LEGEND, style="dim")) if parts else Group(Text("No confirmed rows yet."))


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown = [cells(row) for row in rows]
    for name in shown[0]:
        side: Literal["left", "right"] = "left" if name in _TEXT_COLUMNS else "right"
        # A long name is broken where the terminal is narrow; a number never is.
        table.add_column(name.replace(", ", "\n"), justify=side, overflow="fold", no_wrap=name != "row")
    for row in shown:
        table.add_row(*(Text("\n".join(lines)) for lines in row.values()))
    return table


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[Text]:
    return [
        Text(f"  {row['name']} – {finding['code']}: {finding['detail']}", style="dim")
        for row in rows
        for finding in row["findings"]
    ]


def _rests_on(row: Mapping[str, Any]) -> Text:
    """All else that is known of a track's first row."""
    lines = [f"  {name}: {text}" for name, text in facts(row).items()]
    return Text("\n".join(["  The first of them rests on", *lines]), style="dim")


def _known(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _seconds(value: float | None) -> str:
    return "–" if value is None else duration(value)
