"""An entry with what its contest's rules say of it, and as an entry of the leaderboard."""

from dataclasses import dataclass
from typing import Any

from sweeps.board.columns.verdict import VerdictWord
from sweeps.contests.contest import Contest
from sweeps.standings.entry import ContestEntry
from sweeps.standings.rules import Improvement, RuleResult, Side
from sweeps.statistics import summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An entry with what its contest's rules say of it."""

    entry: ContestEntry
    side: Side
    rule: RuleResult
    incumbent: ContestEntry | None
    """The entry that its record names, else the best entry of an earlier date that it can be compared with."""
    incumbent_value: float | None
    """What that is ranked by."""
    improvement: Improvement | None
    """Against that entry."""
    rank: int | None
    runs_needed: int | None = None
    """Further runs that would show its claim, as `sweeps.standings.planning` has them."""

    @property
    def incumbent_grows(self) -> bool:
        """Whether the incumbent can have further runs: those of the same sweep can."""
        return self.incumbent is not None and bool(self.entry.sweep) and self.incumbent.sweep == self.entry.sweep

    @property
    def verdict(self) -> VerdictWord:
        """What the rules say: against the incumbent where there is one, else against the target."""
        if self.entry.track == "flagged":
            return "flagged"
        if self.rule.passed is None:
            return "not comparable"
        if (decisive := self.decisive_improvement) is not None:
            return decisive.verdict
        return "better" if self.rule.passed else "undecided"

    @property
    def decisive_improvement(self) -> Improvement | None:
        """The improvement where the verdict follows from it: an entry that fails the rule can only be worse."""
        improvement = self.improvement
        decides = improvement is not None and (self.rule.passed or improvement.verdict == "worse")
        return improvement if decides else None

    @property
    def verdict_test(self) -> str | None:
        """The test of the verdict."""
        return (
            (self.decisive_improvement.result if self.decisive_improvement else self.rule).test
            if self.side.scores
            else None
        )


def to_row(contest: Contest, standing: Standing) -> dict[str, Any]:
    """An entry of the leaderboard."""
    entry, side = standing.entry, standing.side
    scores = [float(score) for score in side.scores]
    measured = summary(scores) if scores else None
    return {
        "name": entry.name,
        "contest": contest.name,
        "track": entry.track,
        "rank": standing.rank,
        "metric": entry.metric,
        "direction": contest.direction,
        "ranked_by": contest.ranked.by,
        "value": side.value,
        "mean": measured.mean if measured else None,
        "std": measured.std if measured else None,
        "ci95": list(measured.ci95) if measured and measured.ci95 else None,
        "n": len(scores),
        "step": entry.step,
        "seconds": sum(side.seconds) / len(side.seconds) if side.seconds else None,
        "rule": standing.rule.to_json(),
        "improvement": standing.decisive_improvement.result.to_json() if standing.decisive_improvement else None,
        "verdict": standing.verdict,
        "verdict_test": standing.verdict_test,
        "p_paired_seeds": None,  # of pairs by training, which only entries with document scores have
        "verdict_against": _describe_opponent(contest, standing),
        **_describe_claim(standing),
        "runs": {name: run.to_json() | {"score": float(run.score)} for name, run in entry.runs.items()},
        "machine": entry.machine,
        "date": entry.date,
        "sweep": entry.sweep or None,
        "findings": [{"code": finding.code, "detail": finding.detail} for finding in entry.findings],
        "source": entry.source,
        "trials": entry.trials,
        "cost": entry.dollars,
    }


def _describe_claim(standing: Standing) -> dict[str, Any]:
    """What an entry is to beat, by how much it does, and what would show it."""
    entry, incumbent, value = standing.entry, standing.incumbent, standing.side.value
    known = None not in (value, standing.incumbent_value)
    more = standing.runs_needed
    runs = 0 if more is None else more * (2 if standing.incumbent_grows else 1)
    price = None if entry.dollars is None or not entry.runs else entry.dollars / len(entry.runs)
    return {
        "incumbent": incumbent and (incumbent.name if incumbent.sweep in ("", entry.sweep) else incumbent.full_name),
        "difference": (value or 0.0) - (standing.incumbent_value or 0.0) if known else None,
        "runs_needed": more,
        "incumbent_too": standing.incumbent_grows,
        "dollars_needed": None if more is None or price is None else runs * price,
    }


def _describe_opponent(contest: Contest, standing: Standing) -> str | None:
    if standing.decisive_improvement is not None and standing.incumbent is not None:
        return standing.incumbent.name
    return f"the target of {contest.rule.target}" if standing.side.scores else None
