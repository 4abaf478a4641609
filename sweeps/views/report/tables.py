"""The leaderboard's tables for pages: one for each track, with the lines that all intervals are held against."""

from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.board.arrays import TRACKS
from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.board.rules import Published
from sweeps.views.components.charts.interval_dot import RuleLine
from sweeps.views.components.panels.entry_table import AddressOf, EntryTable, prepare_entry_table
from sweeps.views.terminal.table import TITLES
from sweeps.views.verdicts.commands import CommandWords

Rows = Sequence[Mapping[str, Any]]


def list_tables(
    rows: Rows, baseline: str | Published | None, most: int | None = None, words: CommandWords | None = None,
    *, address_of: AddressOf | None = None, drawers_open: bool = False,
) -> list[EntryTable]:  # fmt: skip
    """A table for each track that has entries.

    Args:
        rows: entries of the leaderboard, best first within each track.
        baseline: name of the entry that the others are compared with, or a published score.
        most: entries of a track that are shown; None for all.
        words: how commands name the entries of the sweep.
        address_of: the address of an entry's own page, where there are such pages.
        drawers_open: whether the evidence is shown from the beginning.
    """
    name = baseline if isinstance(baseline, str) else None
    mean = baseline.mean if isinstance(baseline, Published) else _find_mean(rows, name)
    tables = []
    is_judged = any(row["track"] == "legal" for row in rows)
    for track in TRACKS if is_judged else ("unverified", "flagged"):  # of the leader first
        table = prepare_entry_table(
            [row for row in rows if row["track"] == track],
            name=f"entries-{track}",
            title=TITLES[track],
            baseline=name,
            baseline_mean=mean if track == "legal" else None,
            lines=list_rule_lines(rows, name, mean) if track == "legal" else (),
            most=most,
            words=words,
            address_of=address_of,
            drawers_open=drawers_open,
        )
        tables += [] if table is None else [table]
    return tables


def list_rule_lines(rows: Rows, baseline: str | None, mean: float | None) -> list[RuleLine]:
    """The baseline, and where an entry must be to beat the leader's current record by the written rule's margin."""
    lines = []
    if mean is not None:
        whose = baseline or "published"
        lines.append(RuleLine(kind="baseline", label=f"baseline {whose} · {mean:.4f}", value=mean))
    leader = next((row for row in rows if row["track"] == "legal" and row["difference_means_mbpb"] is not None), None)
    if leader is None:
        return lines
    record = leader["val_bpb_mean"] - leader["difference_means_mbpb"] / 1000
    unit = leader["difference_mbpb"] / 1000 / leader["difference_nats"] if leader["difference_nats"] else None
    margin = MARGIN_RULES["written_rule"].margin_bpb(unit)
    if margin is not None:
        label = f"{written_margin_text()} below {leader['incumbent']} · {record - margin:.4f}"
        lines.append(RuleLine(kind="margin", label=label, value=record - margin))
    return lines


def explain_tables() -> str:
    """What the columns of the tables mean."""
    written, precedent = (MARGIN_RULES[name].requirement for name in ("written_rule", "precedent"))
    return (
        "A filled dot is the mean, a bar its 95 % interval, small rings are seeds; an arrow goes on beyond the scale. "
        "mBPB: thousandths of a bit per byte to the baseline, or to the record where there is none; below zero is "
        f"better. p: against the current record by the written rule ({written}); the precedent asks for less "
        f"({precedent}). MB and seconds are those of the worst seed."
    )


def _find_mean(rows: Rows, name: str | None) -> float | None:
    return next((row["val_bpb_mean"] for row in rows if row["name"] == name and row["source"] == "golfsweep"), None)
