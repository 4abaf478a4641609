"""Pages of a contest with a target: a sweep's report, a leaderboard, the comparison of two entries.

They are made of the same parts as those of Parameter Golf.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.workplace import Workplace
from sweeps.contests.contest import Contest
from sweeps.entries.curves import read_curves
from sweeps.entries.lost import Lost
from sweeps.standings.board import TRACK_ORDER, Standings
from sweeps.views.components.charts.curve_band import prepare_curve_band
from sweeps.views.components.charts.frontier import Frontier, RecordChange, draw_records
from sweeps.views.components.charts.seed_pairs import SeedPairs, prepare_seed_pairs
from sweeps.views.components.drawing import Component, render
from sweeps.views.components.panels.entry_table import EntryTable
from sweeps.views.components.panels.standings_table import prepare_standings_table, prepare_target_table
from sweeps.views.components.panels.verdict_bar import VerdictBar, prepare_verdict_bar, show_chips, show_step
from sweeps.views.ranking.standing_facts import (
    StandingRow,
    describe_score,
    list_ranked_values,
    measure_of,
    score_measure_of,
    state_difference,
)
from sweeps.views.ranking.standing_reference import choose_standing_reference
from sweeps.views.report.evidence import describe_provenance
from sweeps.views.report.header import describe_sweep, list_failures, list_former, now, write_page
from sweeps.views.report.sections import PageSection, keep_filled, known, show_search
from sweeps.views.terminal.entries.standings_table import TITLES, explain_rule, standings_to_csv
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.read_verdict import read_verdict
from sweeps.views.verdicts.standing_chips import judge_standing
from sweeps.views.wording import format_p

MOST_ENTRIES = 150
"""Entries of a track that a page shows."""
MOST_ROWS = 40
"""Entries up to which a page carries the leaderboard as a file."""


def write(name: str, board: Standings, place: Workplace, lost: Lost | None = None) -> Path:
    """Write a sweep's report as it stands in the store, and return its path.

    What is lost is left out and noted, beside what was missing for its leaderboard already.
    """
    record = place.store.sweep(name)
    assert record is not None
    rows, contest, lost = board.rows(name), board.contest, lost or Lost()
    words = words_for(name, place)
    verdict = read_verdict(name, rows, place, contest=contest)
    csv = standings_to_csv(rows) if 0 < len(rows) <= MOST_ROWS else None
    curves = prepare_curve_band(read_curves(name, place, lost))
    sections = [
        *list_standing_sections(board, rows, contest, show_search(record, place, score_measure_of(contest))),
        *keep_filled(PageSection(name="trainings", title="Training", figures=known(curves))),
        describe_provenance(record, words, csv),
    ]
    content = render(
        "report.html.j2",
        sweep=name,
        facts=describe_sweep(record, contest.title, place),
        verdict=prepare_verdict_bar(verdict),
        problems=[*list_failures(record, place, words, verdict), *list_former(name, place), *lost.lines()],
        failed=record.state == "failed",
        tables=list_standing_tables(rows, contest, baseline_of(name, place), name, words),
        explanation=explain_standings(contest),
        notes=[],
        sections=sections,
    )
    return write_page(place.home.report(name), content)


def leaderboard_page(board: Standings, sweep: str | None, place: Workplace) -> str:
    """The leaderboard of a contest by itself, as a page that needs nothing beside it."""
    rows, contest = board.rows(sweep), board.contest
    return render(
        "report.html.j2",
        sweep=contest.title,
        facts=f"{len(rows)} entr{'y' if len(rows) == 1 else 'ies'} · written {now()}",
        verdict=prepare_verdict_bar(read_verdict(sweep, rows, place, contest=contest)),
        problems=[],
        failed=False,
        tables=list_standing_tables(rows, contest, baseline_of(sweep, place), sweep),
        explanation=explain_standings(contest),
        notes=[],
        sections=list_standing_sections(board, rows, contest),
    )


def write_comparison(
    comparison: Mapping[str, Any], claim: StandingRow, step: NextStep, contest: Contest, place: Workplace
) -> Path:
    """Write the comparison of two entries, and return the page's path.

    Args:
        comparison: what `compare_standings` returned.
        claim: the challenger's entry, as if the incumbent were what it is to beat.
        step: what the claim needs next.
        contest: whose entries they are.
        place: where the page is written.
    """
    challenger, incumbent = rows = comparison["challenger"], comparison["incumbent"]
    names = challenger["name"], incumbent["name"]
    bar = VerdictBar(
        heading="Difference",
        name=state_difference(comparison, contest),
        score=describe_score(challenger),
        gain=f"against {describe_score(incumbent)}",
        chips=show_chips(judge_standing(claim, contest)),
        **show_step(step.beyond_comparison()),
    )
    figures = known(_draw_pair(challenger, incumbent, contest))
    content = render(
        "report.html.j2",
        sweep=f"{names[0]} against {names[1]}",
        facts=f"{contest.title} · written {now()}",
        verdict=bar,
        problems=[],
        failed=False,
        tables=list_standing_tables(rows, contest, incumbent["name"], incumbent["sweep"]),
        explanation=explain_standings(contest),
        notes=[],
        sections=keep_filled(PageSection(name="pairs", title="Runs", figures=figures)),
    )
    files = ["-".join(part for part in (row["sweep"], row["name"].replace("/", "-")) if part) for row in rows]
    return write_page(place.home.comparison(files), content)


def list_standing_tables(
    rows: Sequence[StandingRow],
    contest: Contest,
    baseline: str | None,
    sweep: str | None,
    words: CommandWords | None = None,
) -> list[EntryTable]:
    """A table for each track that has entries.

    Args:
        rows: entries of the leaderboard, best first within each track.
        contest: whose they are.
        baseline: the sweep's.
        sweep: the sweep; None for public records alone.
        words: how commands name the entries of the sweep.
    """
    reference = choose_standing_reference(rows, contest, baseline, sweep)
    tables = [
        prepare_standings_table(
            [row for row in rows if row["track"] == track],
            contest,
            name=f"entries-{track}",
            title=TITLES[track],
            reference=reference,
            most=MOST_ENTRIES,
            words=words,
        )
        for track in TRACK_ORDER
    ]
    return [table for table in tables if table is not None]


def list_standing_sections(
    board: Standings, rows: Sequence[StandingRow], contest: Contest, search: PageSection | None = None
) -> Iterator[PageSection]:
    """Every section between entries and trainings that has something to show; the search after the history."""
    yield from keep_filled(PageSection(name="history", title="History", figures=known(_draw_history(board))))
    yield from [] if search is None else keep_filled(search)
    target = prepare_target_table(rows, contest, MOST_ENTRIES)
    yield from keep_filled(PageSection(name="target", title="Target", parts=known(target)))
    leader = next((row for row in rows if row["source"] == "golfsweep" and row["track"] != "flagged"), None)
    leader = leader or next((row for row in rows if row["track"] != "flagged"), None)
    if leader is None or leader["incumbent"] is None:
        return
    rival = next((row for row in rows if row["name"] == leader["incumbent"]), None)
    figures: tuple[Component, ...] = () if rival is None else known(_draw_pair(leader, rival, contest))
    title = f"{leader['name']} against {leader['incumbent']}"
    yield from keep_filled(PageSection(name="pairs", title=title, figures=figures))


def explain_standings(contest: Contest) -> str:
    """What the columns of the tables mean."""
    interval = "" if contest.ranked.by == "steps" else ", a bar its 95 % interval, small rings are runs"
    return (
        f"A filled dot is what entries are ranked by{interval}; an arrow goes on beyond the scale. "
        f"{explain_rule(contest)}"
    )


def _draw_history(board: Standings) -> Frontier | None:
    measure, changes = measure_of(board.contest), [each for each in board.changes() if each["track"] != "flagged"]
    records = [
        RecordChange(
            name=change["name"],
            date=change["date"],
            track=change["track"],
            group=f"{change['track']} {change['machine'] or ''}",
            value=change["value"],
            cells=(
                change["over"] or "–",
                format_p(change["improvement"]["p_value"] if change["improvement"] else None),
            ),
        )
        for change in changes
        if change["value"] is not None
    ]
    return draw_records(records, measure, "p: by the contest's rule against the record before.", ("over", "p"))


def _draw_pair(challenger: StandingRow, incumbent: StandingRow, contest: Contest) -> SeedPairs | None:
    """The runs of two entries: by what is ranked where runs differ in it, else by the score."""
    sides, measure = [], measure_of(contest)
    if contest.ranked.by == "steps":
        measure = score_measure_of(contest)
    for row in (challenger, incumbent):
        values = list_ranked_values(row) or {run: result["score"] for run, result in row["runs"].items()}
        sides.append({"known_as": row["name"], "seeds": values})
    return prepare_seed_pairs(sides[0], sides[1], measure, are_pairs=contest.replicates.seeds)
