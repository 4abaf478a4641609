"""The columns of the leaderboard of a contest with a target in a terminal."""

from collections.abc import Callable, Mapping, Sequence

from sweeps.contests.contest import Contest
from sweeps.views.ranking.measure import UNKNOWN
from sweeps.views.ranking.standing_facts import StandingRow, measure_of, ranked_interval, score_measure_of
from sweeps.views.ranking.standing_reference import choose_standing_reference
from sweeps.views.terminal.entries.bars import Axis
from sweeps.views.terminal.entries.entry_lines import BAR, RANK, LineColumns
from sweeps.views.wording import format_p


def standing_columns(
    rows: Sequence[StandingRow], contest: Contest, baseline: str | None, sweep: str | None
) -> LineColumns:
    """What is ranked with its changes, the score beside the target, tests and dates.

    Args:
        rows: the entries among which the one is that changes are from.
        contest: whose they are.
        baseline: the sweep's.
        sweep: the sweep; None for public records alone.
    """
    measure, score = measure_of(contest), score_measure_of(contest)
    reference = choose_standing_reference(rows, contest, baseline, sweep)

    def show_change(row: StandingRow) -> str:
        if reference is None:
            return UNKNOWN
        return reference.title if reference.is_entry(row) else measure.show_change(reference.change_of(row, measure))

    makers: Mapping[str, Callable[[StandingRow], str]] = {
        RANK: lambda row: UNKNOWN if row["rank"] is None else str(row["rank"]),
        measure.heading: lambda row: measure.show(row["value"]),
        "± std": lambda row: UNKNOWN if row["std"] is None else f"±{row['std']:.5f}",
        "change": show_change,
        **({} if score.heading == measure.heading else {score.heading: lambda row: score.show(row["mean"])}),
        "n": lambda row: str(row["n"]),
        "p target": lambda row: format_p(row["rule"]["p_value"]),
        "p": lambda row: format_p(row["improvement"]["p_value"] if row["improvement"] else None),
        "date": lambda row: str(row["date"] or UNKNOWN),
    }
    if score.heading != measure.heading:  # the deviation is the score's: it stands beside it
        makers = {name: makers[name] for name in _put_after(list(makers), "± std", score.heading)}
    return LineColumns(
        makers=makers,
        first=(measure.heading, "change", score.heading, "n", BAR),
        further=("± std", "p", "p target", "date"),
        always=(RANK, measure.heading, "change"),
        before_bar=(measure.heading,),
        value=lambda row: row["value"],
        interval=ranked_interval,
        digits=lambda axis: _count_digits(axis, contest),
        bar_title=measure.unit if contest.ranked.by == "steps" else "95% CI",
        reference=None if reference is None else reference.name,
    )


def _put_after(names: list[str], moved: str, before: str) -> list[str]:
    names.remove(moved)
    names.insert(names.index(before) + 1, moved)
    return names


def _count_digits(axis: Axis, contest: Contest) -> int:
    """As many as tell both ends of the axis apart."""
    if contest.ranked.by == "steps":
        return 0
    span = axis.high - axis.low
    return next((digits for digits in range(5) if span >= 10 ** (1 - digits)), 5)
