"""The verdict on a sweep of a contest with a target, and its next step: the counterpart of `verdict`."""

from collections.abc import Sequence

from sweeps.contests.contest import Contest
from sweeps.views.ranking.measure import Measure
from sweeps.views.ranking.standing_facts import StandingRow, describe_needed_runs, measure_of
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.spending import Spent, SweepProgress, judge_cost
from sweeps.views.verdicts.standing_chips import holds_corrected, judge_standing
from sweeps.views.verdicts.sweep_verdict import SweepVerdict, judge_leaderless


def judge_standings(
    sweep: str,
    rows: Sequence[StandingRow],
    contest: Contest,
    *,
    baseline: str | None,
    spent: Spent,
    progress: SweepProgress,
    commands: CommandWords | None = None,
) -> SweepVerdict:
    """Judge a sweep, or imported records alone, by the standings of their contest.

    Args:
        sweep: its name; empty for records alone.
        rows: entries of the leaderboard, best first within each track.
        contest: whose rules they are judged by.
        baseline: name of the entry that the sweep's others are compared with.
        spent: what it has used.
        progress: how far it is.
        commands: how commands name its entries; by default as those of the latest sweep.
    """
    commands, measure = commands or CommandWords(sweep=sweep), measure_of(contest)
    leader = find_leading(rows)
    if leader is None:
        return judge_leaderless(sweep, rows, spent=spent, progress=progress, commands=commands, measure=measure)
    gain, over, role = gain_of(leader, measure, baseline)
    return SweepVerdict(
        sweep=sweep,
        leader=leader["name"],
        score=leader["value"],
        std=None if contest.ranked.by != "score" else leader["std"],
        n=leader["n"],
        gain=gain,
        baseline=over,
        baseline_role=role,
        chips=(*judge_standing(leader, contest), *([judge_cost(spent)] if sweep else [])),
        next=advance_standing(leader, contest, commands),
        measure=measure,
        rank=leader["rank"],
    )


def find_leading(rows: Sequence[StandingRow]) -> StandingRow | None:
    """The best entry of the sweep itself that is not flagged, else the best such record."""
    scored = [row for row in rows if row["track"] != "flagged" and row["value"] is not None]
    return next(iter(sorted(scored, key=lambda row: row["source"] != "golfsweep")), None)


def gain_of(row: StandingRow, measure: Measure, baseline: str | None) -> tuple[float | None, str | None, str | None]:
    """By how much an entry is better than what it is to beat, that entry, and what it is."""
    if row["incumbent"] is None or row["difference"] is None:
        return None, None, None
    role = "baseline" if row["incumbent"] == baseline and row["incumbent_too"] else "current record"
    return measure.gain(row["difference"], 0.0), row["incumbent"], role


def advance_standing(row: StandingRow, contest: Contest, commands: CommandWords) -> NextStep:
    """What an entry needs next."""
    if row["track"] == "flagged":
        return NextStep(sentence="nothing: it is never ranked", command=None)
    if row["source"] != "golfsweep":
        return NextStep(sentence="beat it with a sweep of your own training script", command="golfsweep init --help")
    compare = None
    if row["incumbent"] is not None:
        compare = commands.compare(row["name"], row["incumbent"], incumbent_is_own=row["incumbent_too"])
    passed, number = row["rule"]["passed"], row["runs_needed"]
    if passed is None:
        return NextStep(sentence="give it at least two runs: add seeds to seeds.confirm", command=compare)
    if not passed and number is None:
        target = contest.rule.target
        sentence = f"find a better mean: no affordable number of runs would show that this one reaches {target}"
        return NextStep(sentence=sentence, command=compare or commands.show(row["name"]))
    if compare is None and passed:
        return NextStep(sentence="nothing beats it yet: add arms or trials to the sweep file", command=None)
    if passed and row["verdict"] == "better" and (row["rank"] or 1) > 1:
        sentence = f"find a larger gain: it beats {row['incumbent']}, but {row['rank'] - 1} rank better"
        return NextStep(sentence=sentence, command=commands.leaderboard())
    if passed and row["verdict"] == "better":
        if holds_corrected(row, contest):
            return NextStep(sentence="write it up", command=commands.write_up())
        return NextStep(sentence="repeat it on fresh seeds, as an arm of a sweep of its own", command=compare)
    if number is None or row["verdict"] == "worse":
        sentence = "find a larger gain: no affordable number of runs would show this one"
        return NextStep(sentence=sentence, command=compare)
    return NextStep(sentence=describe_needed_runs(row), command=compare or commands.show(row["name"]))
