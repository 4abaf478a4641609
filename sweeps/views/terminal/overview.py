"""The end of `run`, and `leaderboard`: the verdict, the entries with their intervals, and what to type next.

At 80 columns it takes a screen of 24 lines at most; on a narrower one lines are broken, and columns left out whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from sweeps.text.table import shorten
from sweeps.views.terminal.entries.entry_lines import LineColumns, lay_out_entries
from sweeps.views.terminal.text_page import MARK, TextPage, text_width
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.sweep_verdict import SweepVerdict

Row = Mapping[str, Any]
LINES = 24
"""Of a screen of 80 columns."""
MOST_FLAGGED = 4
LEAST_ROWS = 10
NAME = 36
"""Cells of a name in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """A sweep, or imported records alone, as a screen of text."""

    verdict: SweepVerdict
    rows: Sequence[Row]
    """The leaderboard, best first within each track."""
    choose_columns: Callable[[Sequence[Row]], LineColumns]
    """What the table shows of the entries of a track."""
    commands: CommandWords
    head: Sequence[str]
    """What happened, in parts: how the sweep ended, after what time, with how many jobs, at what cost."""
    failures: Sequence[str] = ()
    """A line for each thing that kept the sweep from its end."""
    report: str | None = None
    """Why there is no report; None where there is one."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Lay out and print."""
        yield from self.lay_out(options.max_width, only_ascii=options.ascii_only)

    def lay_out(self, width: int, *, only_ascii: bool = False) -> list[Text]:
        """All lines, none wider than so many cells."""
        page = TextPage(width=text_width(width), only_ascii=only_ascii)
        page.parts(self.head, style="bold")
        page.blank()
        self._add_verdict(page)
        foot = TextPage(width=page.width, only_ascii=only_ascii)
        self._add_others(foot)
        foot.blank()
        self._add_foot(foot)
        self._add_table(page, LINES - len(page.lines) - len(foot.lines) - 2, width)
        return [*page.lines, *foot.lines]

    @property
    def _track(self) -> str:
        """The track whose entries the table shows: the leader's."""
        leader = next((row for row in self.rows if row["name"] == self.verdict.leader), None)
        return "legal" if leader is None else str(leader["track"])

    def _add_verdict(self, page: TextPage) -> None:
        verdict = self.verdict
        if verdict.leader is not None and verdict.score is not None:
            page.label("Best", _describe_best(self.rows, verdict, page.only_ascii))
        for chip in verdict.chips:
            if chip.title not in ("Fits", "Cost"):
                page.chip(chip)
        for failure in self.failures:
            page.label("Failed", [failure], style="bold red")
        page.label("Next", [verdict.next.sentence], command=verdict.next.command)

    def _add_table(self, page: TextPage, room: int, width: int) -> None:
        """As many entries as there is room for, the baseline among them."""
        rows = [row for row in self.rows if row["track"] == self._track]
        if not rows:
            return
        page.blank()
        columns = self.choose_columns(rows)
        shown = _choose_rows(rows, columns.reference, max(LEAST_ROWS, room))
        for number, line in enumerate(lay_out_entries(shown, columns, width, only_ascii=page.only_ascii)):
            leads = number > 0 and shown[number - 1]["name"] == self.verdict.leader
            page.lines.append(Text(line, style="bold" if leads else "dim" if number == 0 else "", no_wrap=True))
        if len(shown) < len(rows):
            page.label("", [f"and {len(rows) - len(shown)} more"], command=self.commands.leaderboard())

    def _add_others(self, page: TextPage) -> None:
        """Flagged entries in a block of their own, and the number of those that could not be judged."""
        flagged = [row for row in self.rows if row["track"] == "flagged"]
        if flagged:
            page.blank()
            page.text("Flagged (never ranked)", style="bold")
            names = [page.clean(row["name"]) for row in flagged[:MOST_FLAGGED]]
            cells = max(8, min(max(map(len, names)), page.width - 50, 40))
            value_of = self.choose_columns(flagged).value
            for row, name in zip(flagged, names, strict=False):
                score = "" if value_of(row) is None else self.verdict.measure.show(value_of(row))
                short = shorten(name, cells, only_ascii=page.only_ascii)
                page.text(f"!  {short.ljust(cells)}  {score.rjust(6)}  {describe_flags(row['findings'])}", indent=3)
            if len(flagged) > MOST_FLAGGED:
                page.text(f"!  and {len(flagged) - MOST_FLAGGED} more")
        unjudged = [row for row in self.rows if row["track"] == "unverified"]
        if unjudged and self._track != "unverified":
            page.blank()
            entries = (
                f"{len(unjudged)} {'entry or record' if len(unjudged) == 1 else 'entries or records'}, not audited"
            )
            value_of = self.choose_columns(unjudged).value
            best = next((row for row in unjudged if value_of(row) is not None), None)
            if best is not None:
                name = shorten(page.clean(best["name"]), NAME, only_ascii=page.only_ascii)
                entries += f"; the best {name} with {self.verdict.measure.show(value_of(best))}"
            page.label("Others", [entries], command=self.commands.leaderboard())

    def _add_foot(self, page: TextPage) -> None:
        for chip in self.verdict.chips:
            if chip.title == "Fits":
                page.chip(chip)
        if not self.verdict.sweep:
            return
        leader = self.verdict.leader
        page.label("Details", [], command=self.commands.show(leader))
        report = [self.report] if self.report else []
        opening = None if self.report else self.commands.open()
        line = f"{page.lines[-1].plain}{page.clean(MARK)}Report  {opening}"
        if opening and cell_len(line) <= page.width and page.lines[-1].plain.startswith("Details"):
            page.lines[-1].append(page.clean(MARK)).append("Report", "dim").append("  ").append(opening, "cyan")
        else:
            page.label("Report", report, command=opening)


def _choose_rows(rows: Sequence[Row], reference: str | None, most: int) -> Sequence[Row]:
    """The best rows, and the one that the others are compared with."""
    if len(rows) <= most:
        return rows
    best = list(rows[: most - 1])  # the last line says how many there are
    base = next((row for row in rows if row["name"] == reference), None)
    return best if base is None or base in best else [*best[:-1], base]


def _describe_best(rows: Sequence[Row], verdict: SweepVerdict, only_ascii: bool) -> list[str]:
    """The leader, its score, and what that is better than."""
    leader = next(row for row in rows if row["name"] == verdict.leader)
    public = "" if leader["source"] == "golfsweep" else " (public record)"
    name = f"{shorten(leader['name'], NAME, only_ascii=only_ascii)}{public}"
    parts = [name, *([] if verdict.score is None else [verdict.measure.describe(verdict.score)])]
    if verdict.gain is not None and verdict.baseline is not None:
        than = f"{shorten(verdict.baseline, NAME, only_ascii=only_ascii)} ({verdict.baseline_role})"
        parts.append(f"{verdict.measure.describe_gain(verdict.gain)} than {than}")
    return [*parts, *([] if verdict.rank in (None, 1) else [f"rank {verdict.rank}"])]
