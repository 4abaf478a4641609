"""Tables of entries of a contest with a target: by what is ranked, and by the score that must reach the target."""

from collections.abc import Sequence

from sweeps.contests.contest import Contest
from sweeps.views.components.charts.interval_dot import MeasuredValue, RuleLine
from sweeps.views.components.panels.entry_table import (
    Cell,
    EntryColumn,
    EntryLine,
    EntryTable,
    assemble_table,
    make_show_command,
)
from sweeps.views.ranking.measure import Measure
from sweeps.views.ranking.standing_facts import (
    StandingRow,
    describe_standing,
    list_ranked_values,
    measure_of,
    ranked_interval,
    score_measure_of,
)
from sweeps.views.ranking.standing_reference import StandingReference
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.wording import format_p

RECORD_P = EntryColumn(name="p", heading="p", meaning="that it beats the record of its date, by the contest's rule")
TARGET_P = EntryColumn(name="target", heading="p target", meaning="that the mean of its runs reaches the target")
RUNS = EntryColumn(name="n", heading="n", meaning="runs")


def prepare_standings_table(
    rows: Sequence[StandingRow],
    contest: Contest,
    *,
    name: str,
    title: str,
    reference: StandingReference | None,
    most: int | None = None,
    words: CommandWords | None = None,
) -> EntryTable | None:
    """Entries of one track by what the contest ranks, best first; None without entries.

    Args:
        rows: entries of `leaderboard --json`.
        contest: whose they are.
        name: id of the table within the page.
        title: its caption.
        reference: what changes are from.
        most: how many entries are shown; None for all.
        words: how commands name the entries of the sweep.
    """
    measure, score = measure_of(contest), score_measure_of(contest)
    value = EntryColumn(name="score", heading=measure.heading, meaning=measure.title)
    than = "" if reference is None else f" than {reference.name}"
    meaning = f"{measure.change_unit} more{than}; {'higher' if measure.higher_is_better else 'lower'} is better"
    gain = EntryColumn(name="gain", heading="change", meaning=meaning, unit=measure.change_unit)
    mean = EntryColumn(name="loss", heading=f"{score.heading} ± std", meaning="mean and deviation over the runs")
    by_score = contest.ranked.by == "score"
    columns = (value, gain, RECORD_P, *(() if by_score else (mean,)), TARGET_P, RUNS)
    entries = [
        EntryLine(
            rank=None if row["track"] == "flagged" else row["rank"],
            name=row["name"],
            flags=describe_flags(row["findings"]) if row["track"] == "flagged" else "",
            is_baseline=reference is not None and reference.is_entry(row),
            cells=(
                Cell(column=value, text=measure.show(row["value"]), sort=row["value"]),
                _make_change(gain, row, measure, reference),
                _make_p(RECORD_P, row["improvement"]),
                *(() if by_score else (_make_mean(mean, row, score),)),
                _make_p(TARGET_P, row["rule"]),
                Cell(column=RUNS, text=str(row["n"]), sort=row["n"]),
            ),
            seeds=tuple((run, score.show(result["score"])) for run, result in row["runs"].items()),
            facts=describe_standing(row, contest),
            findings=tuple((finding["code"], finding["detail"]) for finding in row["findings"]),
            command=make_show_command(row, words),
        )
        for row in rows
    ]
    values = [
        MeasuredValue(
            value=row["value"],
            ci95=ranked_interval(row),
            runs=tuple(list_ranked_values(row).values()),
            track=row["track"],
        )
        for row in rows
    ]
    lines = []
    if reference is not None and all(reference.change_of(row, measure) is not None for row in rows if row["value"]):
        label = f"{reference.title} {reference.name} · {measure.show(reference.value)}"
        lines.append(RuleLine(kind="baseline", label=label, value=reference.value))
    if by_score:
        lines.append(_target_line(contest, score))
    return assemble_table(
        entries, values, name=name, title=title, columns=columns, lines=lines, measure=measure, most=most
    )


def prepare_target_table(rows: Sequence[StandingRow], contest: Contest, most: int) -> EntryTable | None:
    """Entries by the score of the rule, with the target's line; None where that is what is ranked, or without entries.

    Args:
        rows: entries of every track, best first.
        contest: whose they are.
        most: how many are shown.
    """
    if contest.ranked.by == "score":
        return None
    measure = score_measure_of(contest)
    mean = EntryColumn(name="score", heading=f"{measure.heading} ± std", meaning="mean and deviation over the runs")
    columns = (mean, TARGET_P, RUNS)
    known = [row for row in rows if row["mean"] is not None]
    entries = [
        EntryLine(
            rank=None if row["track"] == "flagged" else row["rank"],
            name=row["name"],
            flags=describe_flags(row["findings"]) if row["track"] == "flagged" else "",
            is_baseline=False,
            cells=(
                _make_mean(mean, row, measure),
                _make_p(TARGET_P, row["rule"]),
                Cell(column=RUNS, text=str(row["n"]), sort=row["n"]),
            ),
            seeds=(),
            facts={},
            findings=(),
            command=None,
        )
        for row in known
    ]
    values = [
        MeasuredValue(
            value=row["mean"],
            ci95=None if row["ci95"] is None else (row["ci95"][0], row["ci95"][1]),
            runs=tuple(result["score"] for result in row["runs"].values()),
            track=row["track"],
        )
        for row in known
    ]
    lines = [_target_line(contest, measure)]
    return assemble_table(
        entries, values, name="target-entries", title=f"Mean {measure.heading} beside the target", columns=columns,
        lines=lines, measure=measure, most=most, with_drawers=False,
    )  # fmt: skip


def _target_line(contest: Contest, measure: Measure) -> RuleLine:
    assert contest.rule.target is not None
    return RuleLine(
        kind="margin", label=f"target {contest.rule.target} {measure.unit}", value=float(contest.rule.target)
    )


def _make_change(column: EntryColumn, row: StandingRow, measure: Measure, reference: StandingReference | None) -> Cell:
    if reference is not None and reference.is_entry(row):
        return Cell(column=column, text=reference.title, sort=0.0)
    change = None if reference is None else reference.change_of(row, measure)
    return Cell(column=column, text=measure.show_change(change), sort=change)


def _make_mean(column: EntryColumn, row: StandingRow, measure: Measure) -> Cell:
    std = "" if row["std"] is None else f"± {row['std']:.5f}"
    return Cell(column=column, text=measure.show(row["mean"]), sort=row["mean"], small=std)


def _make_p(column: EntryColumn, result: StandingRow | None) -> Cell:
    p = None if result is None else result["p_value"]
    return Cell(column=column, text=format_p(p), sort=p)
