"""The ledger of tries: the settings measured against one validation set, by whom, and what that leaves of a claim.

The best of many settings looks better than it is. A claim's p is corrected for every setting that was measured on the
same validation set, whoever tried it and whether it is shown: 1 − (1 − p)^N (Šidák 1967, JASA 62). Its gain is
shrunken by what the best of N equal settings would show by chance with the noise of this comparison.

Among public records only those of one author and day count together, since of others' tries only the best are known.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.seed_test import run_seed_test
from sweeps.statistics import expected_lowest
from sweeps.statistics.estimate import CONFIDENCE, quantile


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepOwner:
    """Who tried the settings of a sweep."""

    name: str | None
    """The sweep's owner; None where unknown."""
    runners: Sequence[str] = ()
    """What ran it, each once: "person", or "agent NAME"; empty where nobody wrote it down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """The settings that were measured against a validation set."""

    total: int
    by: Sequence[Mapping[str, Any]]
    """`who` (owner of the sweep, author of the record; None where unknown), `sweep` or `day`, and `settings`; of a
    sweep also `runners`, and how many of the settings its search has drawn (`searched`)."""


class TriesLedger:
    """The tries of all entries; each validation set is counted once."""

    def __init__(self, entries: Sequence[BoardEntry], owners: Mapping[str, SweepOwner]) -> None:
        """Begin with nothing counted.

        Args:
            entries: all that are known, hidden and flagged ones included.
            owners: sweep → its owner.
        """
        self._entries, self._owners = entries, owners
        self._counted: dict[str, Tries] = {}

    def tries(self, entry: BoardEntry) -> Tries:
        """Count the settings that compete with an entry for its validation set, its own included."""
        if entry.source == "import":
            return self._count_records(entry)
        if entry.data not in self._counted:
            self._counted[entry.data] = self._count_settings(entry.data)
        return self._counted[entry.data]

    def _count_records(self, entry: BoardEntry) -> Tries:
        """Records of the same author and day; the entry alone where either is unknown."""
        author, day = entry.columns["author"], entry.date
        near = [other for other in self._entries if other.source == "import" and other.date == day]
        same = [other for other in near if other.columns["author"] == author] if author and day else [entry]
        return Tries(total=len(same), by=[{"who": author, "day": day, "settings": len(same)}])

    def _count_settings(self, data: str) -> Tries:
        """Settings of all sweeps on a validation set."""
        measured = [entry for entry in self._entries if entry.runs and entry.data == data]
        settings = {(entry.sweep, entry.runs[0].settings or entry.name): entry.runs[0].trials > 0 for entry in measured}
        searched = Counter(sweep for (sweep, _), drawn in settings.items() if drawn)
        by = []
        for sweep, count in sorted(Counter(sweep for sweep, _ in settings).items()):
            owner = self._owners.get(sweep, SweepOwner(name=None))
            facts = {"sweep": sweep, "settings": count, "searched": searched[sweep]}
            by.append({"who": owner.name or None, "runners": list(owner.runners), **facts})
        return Tries(total=len({setting for _, setting in settings}), by=by)


def correct_p(p: float | None, tries: int) -> float | None:
    """p of a claim that is the best of some tries; None where p is unknown."""
    if p is None or math.isnan(p):
        return None
    return 1.0 if p >= 1 else -math.expm1(tries * math.log1p(-p))


def shrink_gain(entry: BoardEntry, other: BoardEntry, tries: int) -> float | None:
    """Gain over another entry in bits per byte, less what the best of some equal tries shows by chance; not below 0.

    None where the noise is unknown.
    """
    if not (entry.has_spread and other.has_spread):
        return None
    _, test = run_seed_test(entry, other, 0.0)
    error = (test.ci95[1] - test.difference) / quantile(0.5 + CONFIDENCE / 2, test.df)
    return max(0.0, -test.difference + expected_lowest(tries, error))
