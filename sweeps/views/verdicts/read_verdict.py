"""The verdict on a sweep as it stands in a home: what `judge_sweep` needs, gathered from the store."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from jobs.budget import Budget
from jobs.state import JobState
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.contest import Contest
from sweeps.entries.reading import board_of
from sweeps.views.entry_facts import EntryColumns
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.next_step import NextStep, advance_claim, claim_of_comparison
from sweeps.views.verdicts.spending import Spent, SweepProgress
from sweeps.views.verdicts.standing_verdict import judge_standings
from sweeps.views.verdicts.sweep_verdict import SweepVerdict
from sweeps.views.verdicts.verdict import advance_entry, judge_sweep
from sweeps.views.wording import slot_unit


def read_verdict(
    name: str | None,
    rows: Sequence[EntryColumns],
    place: Workplace,
    home_options: str = "",
    contest: Contest | None = None,
) -> SweepVerdict:
    """Judge a sweep, or with no name the imported records alone.

    Args:
        name: the sweep.
        rows: entries of its leaderboard.
        place: where it is.
        home_options: what was typed to reach that place, e.g. `--home /data/sweeps`.
        contest: that of the rows, where they are standings of a contest with a target.
    """
    judge = judge_sweep if contest is None else partial(judge_standings, contest=contest)
    record = None if name is None else place.store.sweep(name)
    if record is None:
        return judge(
            "", rows, baseline=None, spent=Spent(slot_hours=0.0, dollars=None), progress=SweepProgress(),
            commands=words_for("", place, home_options, "" if contest is None else contest.name),
        )  # fmt: skip
    return judge(
        record.name,
        rows,
        baseline=baseline_of(record.name, place),
        spent=read_spent(record, place),
        progress=SweepProgress(state=record.state, failed=_count(record, place, JobState.FAILED)),
        commands=words_for(record.name, place, home_options),
    )


def advance_comparison(comparison: Mapping[str, Any], place: Workplace, home_options: str = "") -> NextStep:
    """What a comparison's claim needs next: that of the leaderboard, where it is the same claim."""
    sweep = comparison["challenger"]["sweep"] or ""
    words, claim = words_for(sweep, place, home_options), claim_of_comparison(comparison)
    rows = board_of(sweep, place).table() if sweep else []
    name = comparison["challenger"]["name"]
    row = next((row for row in rows if row["name"] == name and row["source"] == "golfsweep"), None)
    if row is not None and row["incumbent"] == claim.incumbent:
        return advance_entry(row, baseline_of(sweep, place), words)
    return advance_claim(claim, words)


def read_spent(record: SweepRecord, place: Workplace) -> Spent:
    """What a sweep has used, failed and lost attempts included, and its price."""
    budget, hours = Budget(**record.budget or {}), place.store.account(record.name).spent
    return Spent(
        slot_hours=hours,
        dollars=budget.cost(hours),
        unit=slot_unit(record),
        jobs=_count(record, place, JobState.DONE),
        budget_dollars=budget.dollars,
    )


def _count(record: SweepRecord, place: Workplace, state: JobState) -> int:
    return sum(states.get(state, 0) for states in place.store.stage_counts(record.name).values())
