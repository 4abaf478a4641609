"""An entry of a contest with a target as a card for people, and two such entries side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.text import Text

from sweeps.contests.contest import Contest
from sweeps.views.ranking.measure import Measure
from sweeps.views.ranking.standing_facts import (
    StandingRow,
    describe_score,
    describe_standing,
    measure_of,
    score_measure_of,
    state_difference,
)
from sweeps.views.terminal.entries.entry_lines import lay_out_entries
from sweeps.views.terminal.entries.standing_columns import standing_columns
from sweeps.views.terminal.text_page import TextPage, text_width
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.standing_chips import judge_standing
from sweeps.views.verdicts.standing_verdict import advance_standing, gain_of

SAID_ABOVE = ("score", "against the record", "runs still needed")
"""Evidence that the lines of the verdict have already."""


def add_standing(
    page: TextPage, row: StandingRow, contest: Contest, commands: CommandWords, baseline: str | None
) -> None:
    """Score, gain, verdict, next step, runs and evidence of one entry."""
    rank = [] if row["rank"] is None else [f"rank {row['rank']}"]
    name = f"{row['sweep']}/{row['name']}" if row["sweep"] else row["name"]
    page.parts([name, row["contest"], row["track"], *rank], style="bold")
    page.blank()
    measure = measure_of(contest)
    ranked = [] if row["value"] is None or contest.ranked.by == "score" else [measure.describe(row["value"])]
    page.label("Score", [*ranked, f"{describe_score(row)}, mean of {measure.count_runs(row['n'])}"])
    gain, over, role = gain_of(row, measure, baseline)
    if gain is not None:
        page.label("Gain", [f"{measure.describe_gain(gain)} than {over} ({role})"])
    for chip in judge_standing(row, contest):
        page.chip(chip)
    step = advance_standing(row, contest, commands)
    page.label("Next", [step.sentence], command=step.command)
    page.label("Runs", [_describe_run(run, result, measure) for run, result in row["runs"].items()])
    page.blank()
    page.text("Evidence", style="bold")
    for heading, text in describe_standing(row, contest).items():
        if heading not in SAID_ABOVE:
            page.text(f"  {heading}: {text}", indent=4)
    for finding in row["findings"]:
        page.text(f"  {finding['code']}: {finding['detail']}", indent=4)


def _describe_run(run: str, result: Mapping[str, Any], measure: Measure) -> str:
    seconds = "" if result["seconds"] is None else f" in {result['seconds']:,.1f} s"
    return f"{run}: {result['score']:.4f}{seconds}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingPair:
    """What `compare_standings` returned, for a terminal."""

    comparison: Mapping[str, Any]
    claim: StandingRow
    """The challenger's entry, as if the incumbent were what it is to beat."""
    contest: Contest
    step: NextStep

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Lay out and print."""
        yield from self.lay_out(options.max_width, only_ascii=options.ascii_only)

    def lay_out(self, width: int, *, only_ascii: bool = False) -> list[Text]:
        """All lines, none wider than so many cells."""
        page, comparison = TextPage(width=text_width(width), only_ascii=only_ascii), self.comparison
        challenger, incumbent = comparison["challenger"], comparison["incumbent"]
        page.parts([challenger["name"], f"against {incumbent['name']}", self.contest.name], style="bold")
        page.blank()
        page.label("Result", [state_difference(comparison, self.contest)])
        for chip in judge_standing(self.claim, self.contest):
            if chip.title in ("Record", "Target", "Caution"):
                page.chip(chip)
        command = self.step.command
        page.label("Next", [self.step.sentence], command=None if command and " compare " in command else command)
        page.blank()
        rows = [challenger, incumbent]
        columns = standing_columns(rows, self.contest, incumbent["name"], incumbent["sweep"])
        page.lines += [
            Text(line, no_wrap=True) for line in lay_out_entries(rows, columns, width, only_ascii=only_ascii)
        ]
        metric, difference = score_measure_of(self.contest), comparison["difference"][self.contest.score.metric]
        if difference is not None and self.contest.ranked.by != "score":
            page.blank()
            page.text(
                f"Mean {metric.heading} differs by {metric.show_change(difference)}; negative: the first is lower."
            )
        return page.lines
