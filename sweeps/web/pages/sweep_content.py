"""What a sweep's page and the page of a link to it show of its board."""

from typing import Any

from golf.errors import InputError
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries.audits import read_certificates
from sweeps.entries.facts import contest_of
from sweeps.entries.lost import Lost
from sweeps.entries.superseded import is_current
from sweeps.standings.reading import standings_of
from sweeps.views.components.panels.entry_table import AddressOf
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.ranking.standing_facts import score_measure_of
from sweeps.views.report.sections import list_sections, show_search
from sweeps.views.report.standings_report import explain_standings, list_standing_sections, list_standing_tables
from sweeps.views.report.tables import explain_tables, list_tables
from sweeps.views.verdicts.known_names import baseline_of
from sweeps.views.verdicts.read_verdict import read_verdict
from sweeps.web.kept.boards import KeptBoards

MOST_ENTRIES = 200
"""Of a track on one page."""


def describe_board(
    record: SweepRecord, place: Workplace, boards: KeptBoards, lost: Lost, address_of: AddressOf | None = None
) -> dict[str, Any]:
    """The verdict, the tables and the sections of a sweep, for a template.

    Args:
        record: the sweep, or what stands in for one that was not begun.
        place: the home.
        boards: its leaderboards.
        lost: collects which evidence could not be read.
        address_of: the address of an entry's own page, where its name is to lead there.
    """
    name = record.name
    content: dict[str, Any] = {"verdict": None, "tables": [], "notes": [], "explanation": "", "sections": []}
    if place.store.sweep(name) is None:
        return content | {"notes": ["Nobody has begun it yet."]}
    if contest_of(record) != DEFAULT:
        return content | _describe_standings(record, place, lost)
    try:
        kept = boards.board(name)
    except InputError as error:  # another version of golfsweep wrote it
        return content | {"notes": [str(error)]}
    rows, board = kept.rows, kept.board
    lost.include(kept.lost)
    verdict = read_verdict(name, rows, place)
    current = [entry for entry in place.store.entries(name) if is_current(entry)]
    judged = read_certificates(current, place.files, lost)
    return content | {
        "verdict": prepare_verdict_bar(verdict),
        "tables": list_tables(rows, board.baseline, MOST_ENTRIES, address_of=address_of),
        "explanation": explain_tables(),
        "sections": list(list_sections(record, board, rows, verdict.leader, judged, place, lost)),
    }


def _describe_standings(record: SweepRecord, place: Workplace, lost: Lost) -> dict[str, Any]:
    name = record.name
    standings = standings_of(contest_named(contest_of(record)), place, lost)
    rows, contest = standings.rows(name), standings.contest
    search = show_search(record, place, score_measure_of(contest))
    return {
        "verdict": prepare_verdict_bar(read_verdict(name, rows, place, contest=contest)),
        "tables": list_standing_tables(rows, contest, baseline_of(name, place), name),
        "explanation": explain_standings(contest),
        "sections": list(list_standing_sections(standings, rows, contest, search)),
    }
