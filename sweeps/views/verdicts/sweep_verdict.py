"""The verdict on a sweep as data, and what is to be said of a sweep of which no entry leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.state import SweepState
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.spending import Spent, SweepProgress, judge_cost

Row = Mapping[str, Any]
"""An entry of `leaderboard --json`, of whatever contest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepVerdict:
    """The verdict on a sweep."""

    sweep: str
    """Empty for public records alone."""
    leader: str | None
    score: float | None
    """What the leader is ranked by."""
    std: float | None
    n: int
    gain: float | None
    """By how much the leader is better than `baseline`, in the unit of a change; negative where it is worse."""
    baseline: str | None
    """What the gain is over."""
    baseline_role: str | None
    """What that is: baseline or current record."""
    chips: tuple[Chip, ...]
    next: NextStep
    measure: Measure = BITS_PER_BYTE
    """How score and gain are written."""
    rank: int | None = None
    """Of the leader among all entries of its track, those of others too."""


def judge_leaderless(
    sweep: str,
    rows: Sequence[Row],
    *,
    spent: Spent,
    progress: SweepProgress,
    commands: CommandWords,
    measure: Measure = BITS_PER_BYTE,
) -> SweepVerdict:
    """The verdict on a sweep of which no entry leads."""
    chips = (_judge_no_leader(rows), *([judge_cost(spent)] if sweep else []))
    return SweepVerdict(
        sweep=sweep, leader=None, score=None, std=None, n=0, gain=None, baseline=None, baseline_role=None,
        chips=chips, next=_advance_without_leader(rows, progress, commands), measure=measure,
    )  # fmt: skip


def _advance_without_leader(rows: Sequence[Row], progress: SweepProgress, commands: CommandWords) -> NextStep:
    flagged = next((row for row in rows if row["track"] == "flagged"), None)
    if progress.state == SweepState.RUNNING:
        return NextStep(sentence="wait for the first confirmed entry", command=commands.status())
    if progress.failed:
        jobs = f"{progress.failed} failed job{'' if progress.failed == 1 else 's'}"
        return NextStep(sentence=f"retry {jobs}", command=commands.retry())
    if flagged is not None:
        return NextStep(sentence="see why the best entry is flagged", command=commands.show(flagged["name"]))
    if rows:
        return NextStep(sentence="see what could not be judged", command=commands.leaderboard())
    return NextStep(sentence="see how far it is", command=commands.status())


def _judge_no_leader(rows: Sequence[Row]) -> Chip:
    flagged = sum(row["track"] == "flagged" for row in rows)
    if flagged:
        detail = "its entry is flagged" if flagged == 1 else f"all {flagged} judged entries are flagged"
        return Chip(title="Legal", standing=Rating.BAD, word="NO LEGAL ENTRY", detail=detail)
    word = "NOT JUDGED" if rows else "NO ENTRY YET"
    detail = "no entry has a score that could be judged" if rows else "an entry appears when its seeds are confirmed"
    return Chip(title="Legal", standing=Rating.UNKNOWN, word=word, detail=detail)
