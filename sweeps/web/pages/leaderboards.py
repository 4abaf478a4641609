"""What the leaderboard's page shows: the contest, the sweep and the entries that a reader chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries import reading
from sweeps.entries.facts import can_read, contest_of
from sweeps.entries.lost import Lost
from sweeps.standings.board import Standings
from sweeps.standings.reading import list_present, standings_of
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.report.standings_report import explain_standings, list_standing_sections, list_standing_tables
from sweeps.views.report.tables import explain_tables, list_tables
from sweeps.views.terminal.entries.standings_table import standings_to_csv
from sweeps.views.terminal.formats import to_csv
from sweeps.views.verdicts.known_names import baseline_of
from sweeps.views.verdicts.read_verdict import read_verdict
from sweeps.web.addresses import entry_address
from sweeps.web.kept.boards import KeptBoards
from sweeps.web.pages.filters import BoardFilter, list_choices
from sweeps.web.pages.rendering import PagePart, draw_part
from sweeps.web.pages.sweep_content import MOST_ENTRIES


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenBoard:
    """What a reader chose, with what follows from it."""

    contest: str
    filter: BoardFilter
    names: Sequence[str]
    """Sweeps that are offered, the latest first."""
    sweep: str | None
    contests: Sequence[str]
    """Those that the home has entries of."""


def choose(place: Workplace, chosen: BoardFilter, records: Sequence[SweepRecord]) -> ChosenBoard:
    """The contest and the sweep: those that were chosen, else the sweep's own contest, else what the home has.

    Raises:
        InputError: there is no such contest.
    """
    own = {record.name: contest_of(record) for record in records}
    contests = list_present(place)
    contest = contest_named(chosen.contest or own.get(chosen.sweep) or next(iter(contests), DEFAULT)).name
    offered = [record for record in records if own[record.name] == contest and can_read(record)]
    names = [record.name for record in reversed(offered) if chosen.offers(record)]
    sweep = chosen.sweep if own.get(chosen.sweep, contest) == contest else ""
    name = sweep or next(iter(names), None)
    return ChosenBoard(
        contest=contest,
        filter=replace(chosen, contest="" if contest == DEFAULT else contest, sweep=sweep),
        names=names if name is None or name in names else [name, *names],
        sweep=name,
        contests=contests,
    )


def draw_leaderboard(place: Workplace, boards: KeptBoards, chosen: BoardFilter) -> PagePart:
    """The part of the page that all readers share."""
    records = place.store.sweeps()
    choice = choose(place, chosen, records)
    is_default = choice.contest == DEFAULT
    content = _describe_board(place, boards, choice) if is_default else _describe_standings(place, choice)
    shown, total = content.pop("shown"), content.pop("total")
    body = draw_part(
        "board_body.html.j2",
        names=choice.names,
        chosen=choice.sweep,
        filter=choice.filter,
        choices=list_choices(records, choice.contests),
        **content,
    )
    left_out = f" of {total}" if shown < total else ""
    facts = f"{shown}{left_out} entr{'y' if shown == 1 else 'ies'}"
    of_sweep = f" · sweep {choice.sweep} and records" if choice.sweep else ""
    contest = "" if is_default else f" · {contest_named(choice.contest).title}"
    return PagePart(title="Leaderboard", facts=facts + of_sweep + contest, body=body)


def leaderboard_csv(place: Workplace, boards: KeptBoards, chosen: BoardFilter) -> str:
    """The entries that the page shows, as a file for spreadsheets."""
    choice = choose(place, chosen, place.store.sweeps())
    if choice.contest == DEFAULT:
        return to_csv(choice.filter.keep(boards.board(choice.sweep).rows))
    return standings_to_csv(choice.filter.keep(_standings(place, choice, Lost()).rows(choice.sweep)))


def _describe_board(place: Workplace, boards: KeptBoards, choice: ChosenBoard) -> dict[str, Any]:
    kept, name = boards.board(choice.sweep), choice.sweep
    shown = choice.filter.keep(kept.rows)
    figure = prepare_frontier([change for change in kept.changes if change["track"] != "flagged"])
    judged = None if not kept.rows and name is None else prepare_verdict_bar(read_verdict(name, kept.rows, place))
    return {
        "shown": len(shown),
        "total": len(kept.rows),
        "verdict": judged,
        "tables": list_tables(shown, kept.board.baseline, MOST_ENTRIES, address_of=entry_address),
        "explanation": explain_tables(),
        "notes": [*(former.line for former in reading.former_of(place)), *kept.lost.lines(place)],
        "figures": [] if figure is None else [figure],
    }


def _describe_standings(place: Workplace, choice: ChosenBoard) -> dict[str, Any]:
    lost, name = Lost(), choice.sweep
    standings = _standings(place, choice, lost)
    rows, contest = standings.rows(name), standings.contest
    shown: Sequence[Mapping[str, Any]] = choice.filter.keep(rows)
    history = next((each for each in list_standing_sections(standings, rows, contest) if each.name == "history"), None)
    return {
        "shown": len(shown),
        "total": len(rows),
        "verdict": prepare_verdict_bar(read_verdict(name, rows, place, contest=contest)) if rows or name else None,
        "tables": list_standing_tables(shown, contest, baseline_of(name, place), name),
        "explanation": explain_standings(contest),
        "notes": [*lost.lines(place)],
        "figures": [] if history is None else list(history.figures),
    }


def _standings(place: Workplace, choice: ChosenBoard, lost: Lost) -> Standings:
    return standings_of(contest_named(choice.contest), place, lost)
