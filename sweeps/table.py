"""The leaderboard on a terminal: one table a track, reasons beneath; readable without colour."""

from typing import Any

import pandas as pd
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sweeps.leaderboard import TRACKS
from sweeps.progress import duration

TITLES = {
    "legal": "Legal",
    "flagged": "Flagged: shown, never ranked with legal rows",
    "unverified": "Unverified: nothing could be judged from outside",
}


def render(frame: pd.DataFrame) -> Group:
    """All tracks that have rows, legal first."""
    parts: list[Table | Text] = []
    for track in TRACKS:
        rows: list[dict[str, Any]] = [dict(row) for _, row in frame[frame["track"] == track].iterrows()]
        if rows:
            parts += [_table(TITLES[track], rows), *_notes(rows), Text()]
    return Group(*parts) if parts else Group(Text("No confirmed rows yet."))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for name in (
        "#",
        "row",
        "val bpb",
        "95 % interval",
        "seeds",
        "p base",
        "p incumb.",
        "bytes",
        "train",
        "eval",
        "cost",
    ):
        table.add_column(name, justify="left" if name in ("row", "seeds") else "right")
    for row in rows:
        table.add_row(
            str(row["rank"]),
            escape(row["name"]),
            _mean(row),
            _interval(row["val_bpb_ci95"]),
            "\n".join(f"{seed}: {bpb:.4f}" for seed, bpb in row["seeds"].items()),
            _p(row["p_value"]),
            _p(row["p_incumbent"]),
            f"{row['bytes_total']:,}",
            duration(row["train_seconds"]),
            duration(row["eval_seconds"]),
            "–" if row["cost"] is None else f"${row['cost']:.2f}" if row["cost"] >= 0.01 else f"${row['cost']:.4f}",
        )
    return table


def _notes(rows: list[dict[str, Any]]) -> list[Text]:
    return [
        Text(f"  {row['name']} – {finding['code']}: {finding['detail']}", style="dim")
        for row in rows
        for finding in row["findings"]
    ]


def _mean(row: dict[str, Any]) -> str:
    std = "" if row["val_bpb_std"] is None else f"\n± {row['val_bpb_std']:.4f}"
    return f"{row['val_bpb_mean']:.4f}{std}"


def _interval(ci95: list[float] | None) -> str:
    return "–" if ci95 is None else f"{ci95[0]:.4f} …\n{ci95[1]:.4f}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"
