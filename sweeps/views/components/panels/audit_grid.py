"""AuditGrid: entries by the four conditions of the rules, each linked to the entry's certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

CONDITIONS: Mapping[str, str] = {
    "C1": "causal",
    "C2": "normalized",
    "C3": "scored before updated",
    "C4": "scored once",
}
"""Condition → what it asks for, in a few words."""
PASSED, FAILED, UNKNOWN = "passed", "failed", "not judged"
STANDINGS = {PASSED: "good", FAILED: "bad", UNKNOWN: "unknown"}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditCell:
    """One condition of one entry."""

    word: str
    standing: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLine:
    """An entry."""

    entry: str
    link: str | None
    """Of its certificate within the page; None where there is none."""
    cells: tuple[AuditCell, ...]
    others: tuple[str, ...]
    """Other findings: code and detail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditGrid:
    """Entries × C1 … C4."""

    template: ClassVar[str] = "panels/audit_grid.html.j2"
    conditions: tuple[tuple[str, str], ...]
    lines: tuple[AuditLine, ...]


def prepare_audit_grid(
    rows: Sequence[Mapping[str, Any]], judged: Mapping[str, Mapping[str, Any]], links: Mapping[str, str]
) -> AuditGrid | None:
    """From entries and their certificates; None without entries.

    Args:
        rows: entries of the leaderboard.
        judged: certificates as plain data, by the name of the entry of this sweep.
        links: entry → id of its certificate within the page.
    """
    lines = []
    for row in rows:
        own = row["source"] == "golfsweep" and row["name"] in links
        certificate = judged.get(row["name"]) if row["source"] == "golfsweep" else None
        details = {finding["code"]: finding["detail"] for finding in row["findings"]}
        lines.append(
            AuditLine(
                entry=row["name"],
                link=links[row["name"]] if own else None,
                cells=tuple(_judge(condition, details, certificate) for condition in CONDITIONS),
                others=tuple(f"{code}: {detail}" for code, detail in details.items() if code not in CONDITIONS),
            )
        )
    return AuditGrid(conditions=tuple(CONDITIONS.items()), lines=tuple(lines)) if lines else None


def _judge(condition: str, details: Mapping[str, str], certificate: Mapping[str, Any] | None) -> AuditCell:
    if condition in details:
        return _make_cell(FAILED, details[condition])
    if certificate is None or not certificate["judged"]:
        return _make_cell(UNKNOWN, "no certificate" if certificate is None else "too little could be probed")
    return _make_cell(PASSED, "no objection found")


def _make_cell(word: str, detail: str) -> AuditCell:
    return AuditCell(word=word, standing=STANDINGS[word], detail=detail)
