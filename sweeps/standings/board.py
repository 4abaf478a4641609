"""The entries of one contest: their rows, ranks and verdicts, and the history of the record.

An entry has a rank if it passes the contest's rule and nothing flags it. Where what is ranked means something within
one machine only, each machine has ranks of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sweeps.board.rules import Track
from sweeps.contests.contest import Contest
from sweeps.standings.entry import ContestEntry
from sweeps.standings.planning import runs_needed
from sweeps.standings.rules import apply_rule, compare_sides, exact_mean
from sweeps.standings.standing import Standing, to_row

TRACK_ORDER: tuple[Track, ...] = ("legal", "unverified", "flagged")


class Standings:
    """The entries of one contest."""

    def __init__(self, contest: Contest, entries: Sequence[ContestEntry]) -> None:
        self.contest = contest
        self._sides = {entry.full_name: entry.side(contest) for entry in entries}
        self._rules = {name: apply_rule(contest, side.scores) for name, side in self._sides.items()}
        ordered = sorted(entries, key=self._sort_key)
        ranks = self._rank(ordered)
        self.all = [self._judge(entry, ordered, ranks) for entry in ordered]
        """Best first within a track."""

    def rows(self, sweep: str | None = None) -> list[dict[str, Any]]:
        """The entries of the leaderboard; of a named sweep and public records alone. None where a value is unknown."""
        shown = [each for each in self.all if sweep is None or each.entry.sweep in ("", sweep)]
        ranks = self._rank([each.entry for each in shown])
        return [to_row(self.contest, replace(each, rank=ranks.get(each.entry.full_name))) for each in shown]

    def find(self, name: str) -> Standing | None:
        """The entry of a name: its own, or SWEEP/ENTRY."""
        names = {standing.entry.name: standing for standing in self.all}
        return (names | {standing.entry.full_name: standing for standing in self.all}).get(name)

    def changes(self) -> list[dict[str, Any]]:
        """Every change of the record, oldest first, by machine where only entries of one machine are compared."""
        dated = [each for each in self.all if each.rank is not None and each.entry.date is not None]
        best: dict[str | None, Standing] = {}
        changes = []
        for standing in sorted(dated, key=lambda each: (*_moment(each.entry), self._sort_key(each.entry))):
            group = self._group(standing.entry)
            before = best.get(group)
            if before is None or self._is_better(standing, before):
                best[group] = standing
                changes.append(self._describe_change(standing, before))
        return changes

    def _describe_change(self, standing: Standing, before: Standing | None) -> dict[str, Any]:
        against = None if before is None else compare_sides(self.contest, standing.side, before.side)
        return {
            "name": standing.entry.name,
            "sweep": standing.entry.sweep or None,
            "track": standing.entry.track,
            "machine": standing.entry.machine if self.contest.machine.compare == "same" else None,
            "date": standing.entry.date,
            "value": standing.side.value,
            "over": None if before is None else before.entry.name,
            "improvement": None if against is None else against.result.to_json(),
        }

    def _judge(self, entry: ContestEntry, entries: Sequence[ContestEntry], ranks: Mapping[str, int]) -> Standing:
        incumbent = None if entry.track == "flagged" else self._find_incumbent(entry, entries)
        return self.judge_against(entry, incumbent, ranks.get(entry.full_name))

    def judge_against(self, entry: ContestEntry, incumbent: ContestEntry | None, rank: int | None) -> Standing:
        """An entry with what the rules say of it beside an incumbent."""
        side, other = self._sides[entry.full_name], None if incumbent is None else self._sides[incumbent.full_name]
        standing = Standing(
            entry=entry,
            side=side,
            rule=self._rules[entry.full_name],
            incumbent=incumbent,
            incumbent_value=None if other is None else other.value,
            improvement=None if other is None else compare_sides(self.contest, side, other),
            rank=rank,
        )
        if entry.track == "flagged" or not entry.sweep:  # nobody adds runs to a public record
            return standing
        needed = runs_needed(self.contest, side, other, incumbent_grows=standing.incumbent_grows)
        return replace(standing, runs_needed=needed)

    def _find_incumbent(self, entry: ContestEntry, entries: Sequence[ContestEntry]) -> ContestEntry | None:
        """The entry to beat: `entries` are best first."""
        comparable = [
            other
            for other in entries
            if other is not entry and other.track == entry.track and self.explain_incomparable(entry, other) is None
        ]
        named = next((other for other in comparable if other.full_name == entry.compared_with), None)
        earlier = (other for other in comparable if self._counts(other) and _is_earlier(other, entry))
        return named or next(earlier, None)

    def explain_incomparable(self, entry: ContestEntry, other: ContestEntry) -> str | None:
        """Why two entries cannot be compared; None where they can."""
        if self.contest.machine.compare == "same" and (entry.machine is None or entry.machine != other.machine):
            what = f"{self.contest.name} compares {self.contest.ranked.by} on one machine only"
            return f"{what}, and nothing shows that these ran on one: put both in one record folder"
        return None

    def _rank(self, ordered: Sequence[ContestEntry]) -> dict[str, int]:
        ranks: dict[str, int] = {}
        counts: dict[str | None, int] = {}
        for entry in ordered:
            if self._counts(entry):
                group = self._group(entry)
                counts[group] = ranks[entry.full_name] = counts.get(group, 0) + 1
        return ranks

    def _group(self, entry: ContestEntry) -> str | None:
        """Entries of one group have ranks together."""
        if self.contest.machine.compare == "any":
            return None
        return entry.machine or entry.full_name

    def _counts(self, entry: ContestEntry) -> bool:
        """Whether it has a rank, and is a record to beat."""
        rule, value = self._rules[entry.full_name], self._sides[entry.full_name].value
        return entry.track != "flagged" and rule.passed is True and value is not None

    def _is_better(self, entry: Standing, other: Standing) -> bool:
        assert entry.side.value is not None and other.side.value is not None
        return self._sign * (entry.side.value - other.side.value) < 0

    @property
    def _sign(self) -> int:
        return 1 if self.contest.direction == "lower" else -1

    def _sort_key(self, entry: ContestEntry) -> tuple[Any, ...]:
        """Track, then what counts, then best first; of one value, the better score."""
        side = self._sides[entry.full_name]
        value = float("inf") if side.value is None else self._sign * side.value
        score_sign = 1 if self.contest.score.direction == "lower" else -1
        mean = score_sign * float(exact_mean(side.scores)) if side.scores else float("inf")
        return TRACK_ORDER.index(entry.track), not self._counts(entry), value, mean, entry.full_name


def _is_earlier(other: ContestEntry, entry: ContestEntry) -> bool:
    """Whether an entry is known to have come before another: its day tells, or of one day the rows of both."""
    if other.date is None or entry.date is None:
        return False
    if other.date != entry.date:
        return other.date < entry.date
    return other.row is not None and entry.row is not None and other.row < entry.row


def _moment(entry: ContestEntry) -> tuple[str, int]:
    """When an entry came, as far as it is known: its day, and its row among those of one day."""
    return entry.date or "9999", entry.row or 0
