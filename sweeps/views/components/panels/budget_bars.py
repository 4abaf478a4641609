"""BudgetBar: how much of a limit an entry's worst seed uses; a table of them for bytes, training and evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.board.rules import LIMIT_SECONDS

NEAR = 0.95
"""Share of a limit from which on it is called close."""
MOST_ENTRIES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetBar:
    """What is used of one limit."""

    template: ClassVar[str] = "panels/budget_bar.html.j2"
    used: float
    """In percent, at most 100."""
    standing: str
    """good, warn (close) or bad (over)."""
    word: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetLine:
    """An entry's limits; None where its use or the limit is unknown."""

    entry: str
    bars: tuple[BudgetBar | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetTable:
    """Entries by their bytes and clocks."""

    template: ClassVar[str] = "panels/budget_table.html.j2"
    columns: tuple[str, ...]
    lines: tuple[BudgetLine, ...]
    left_out: int


def prepare_budget_bar(used: float | None, limit: float | None, unit: str, divisor: float = 1.0) -> BudgetBar | None:
    """A bar of what is used; None where either is unknown.

    Args:
        used: in the unit of the limit.
        limit: most that is allowed.
        unit: as it is written, MB or s.
        divisor: of both, for the text.
    """
    if used is None or not limit:
        return None
    share = used / limit
    standing, word = ("bad", "over") if share > 1 else ("warn", "close") if share >= NEAR else ("good", "fits")
    amount, most = used / divisor, limit / divisor
    digits = 2 if divisor > 1 else 1 if amount < 10 else 0
    return BudgetBar(
        used=round(100 * min(1.0, max(share, 0.0)), 1),
        standing=standing,
        word=word,
        text=f"{amount:,.{digits}f} of {most:,.6g} {unit}",
    )


def prepare_budget_table(rows: Sequence[Mapping[str, Any]]) -> BudgetTable | None:
    """From the leaderboard's entries, in their order; None where nothing was measured."""
    lines = []
    for row in rows:
        limit = (row["bytes"] or {}).get("limit")
        bars = (
            prepare_budget_bar(row["bytes_total"], limit, "MB", 1e6),
            prepare_budget_bar(row["train_seconds"], LIMIT_SECONDS, "s"),
            prepare_budget_bar(row["eval_seconds"], LIMIT_SECONDS, "s"),
        )
        if any(bars):
            lines.append(BudgetLine(entry=row["name"], bars=bars))
    if not lines:
        return None
    shown = lines[:MOST_ENTRIES]
    columns = ("artifact and code", "training", "evaluation")
    return BudgetTable(columns=columns, lines=tuple(shown), left_out=len(lines) - len(shown))
