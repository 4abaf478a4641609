"""The leaderboard as text: one table a track, reasons beneath; fits 80 columns, readable without colour."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from sweeps.leaderboard import TRACKS
from sweeps.progress import duration

TITLES = {
    "legal": "Legal",
    "flagged": "Flagged: shown, never ranked with legal rows",
    "unverified": "Unverified: nothing could be judged from outside",
}
_TEXT_COLUMNS = ("row", "seeds")


def cells(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines of every cell of a row by column; what is not known is a dash."""
    ci95, cost = row["val_bpb_ci95"], row["cost"]
    return {
        "#": [_known(row["rank"], "{}")],
        "row": [row["name"]],
        "bpb ± std": [_known(row["val_bpb_mean"], "{:.4f}"), _known(row["val_bpb_std"], "± {:.4f}")],
        "95 %": [_known(end, "{:.4f}") for end in ci95] if ci95 else ["–"],
        "seeds": [f"{seed}: {_known(bpb, '{:.4f}')}" for seed, bpb in row["seeds"].items()],
        "p base, best": [_p(row["p_value"]), _p(row["p_incumbent"])],
        "bytes, cost": [_known(row["bytes_total"], "{:,}"), _dollars(cost)],
        "train, eval": [_duration(row["train_seconds"]), _duration(row["eval_seconds"])],
    }


def render(frame: pd.DataFrame) -> Group:
    """All tracks that have rows, legal first."""
    parts: list[Table | Text] = []
    for track in TRACKS:
        rows = [
            {str(name): value for name, value in row.items()} for _, row in frame[frame["track"] == track].iterrows()
        ]
        if rows:
            parts += [_table(TITLES[track], rows), *_notes(rows), Text()]
    return Group(*parts) if parts else Group(Text("No confirmed rows yet."))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown = [cells(row) for row in rows]
    for name in shown[0]:
        side: Literal["left", "right"] = "left" if name in _TEXT_COLUMNS else "right"
        # A long name is broken where the terminal is narrow; a number never is.
        table.add_column(name.replace(", ", "\n"), justify=side, overflow="fold", no_wrap=name != "row")
    for row in shown:
        table.add_row(*(Text("\n".join(lines)) for lines in row.values()))
    return table


def _notes(rows: list[dict[str, Any]]) -> list[Text]:
    return [
        Text(f"  {row['name']} – {finding['code']}: {finding['detail']}", style="dim")
        for row in rows
        for finding in row["findings"]
    ]


def _known(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _dollars(cost: float | None) -> str:
    return "–" if cost is None else f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"
