"""Results of sweeps: leaderboard, show."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import InputError
from sweeps.cli.app import (
    HOME,
    BoardContestOption,
    BriefOption,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    open_sweeps,
    print_brief,
    print_json,
    typed_home,
)
from sweeps.text.escaping import to_ascii_page
from sweeps.text.terminal import Terminal, takes_unicode

KEY = re.compile(r"[0-9a-f]{4,64}")
"""What may be the start of a job's key."""
NO_SWEEPS = "No sweeps yet; start one with golfsweep run."


class Format(StrEnum):
    """How the leaderboard is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


@app.command()
def leaderboard(
    context: typer.Context,
    name: SweepArgument = None,
    contest: BoardContestOption = None,
    format_: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="One of table, json, csv, markdown, html.")
    ] = Format.TABLE,
    long: Annotated[
        bool, typer.Option("--long", help="Show everything: each seed's score, tests, costs, and the evidence.")
    ] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    brief: BriefOption = False,
) -> None:
    """Show the verdict on a sweep, and its entries beside imported records.

    Entries of different contests are never on one leaderboard.

    Example: golfsweep leaderboard demo --format markdown
    """
    from sweeps.contests.catalog import DEFAULT
    from sweeps.entries import reading
    from sweeps.entries.facts import latest_sweep
    from sweeps.entries.lost import Lost
    from sweeps.standings.reading import choose_contest
    from sweeps.views.leaderboard_document import leaderboard_document
    from sweeps.views.terminal import formats, table
    from sweeps.views.terminal.read_overview import read_overview

    place, sweeps = open_entries(home, db, files, name)
    if brief:
        from sweeps.views.brief.entries import brief_leaderboard

        return print_brief(brief_leaderboard(leaderboard_document(place, name, contest)))
    shown = Format.JSON if json_ else format_
    if shown == Format.JSON:
        return print_json(leaderboard_document(place, name, contest))
    if not sweeps and not place.store.records():
        return Terminal().print_line(NO_SWEEPS)
    chosen, other_contests = choose_contest(place, contest, name)
    if chosen.name != DEFAULT:
        return _show_standings(chosen, place, shown, name, other_contests, typed_home(context), long=long)
    lost = Lost()
    sweep = name or latest_sweep(place)
    board = reading.board_of(sweep, place, lost)
    rows, superseded = board.table(), reading.superseded_of(place)
    notes = [*(former.line for former in reading.withdrawn_of(place)), *lost.lines(place), *other_contests]
    match shown:
        case Format.CSV:
            print(formats.to_csv(rows), end="")
        case Format.MARKDOWN:
            print(formats.to_markdown(rows), end="")
        case Format.HTML:
            from sweeps.views.report import report

            page = report.leaderboard_page(board, sweep, place)
            print(page if takes_unicode() else to_ascii_page(page))
        case Format.TABLE:
            overview = None if long else read_overview(sweep, rows, place, home_options=typed_home(context))
            Terminal().print(overview or table.render(rows))
    for line in (*(former.line for former in superseded), *notes):
        Terminal(stderr=shown != Format.TABLE).print_line(line)


def _show_standings(
    contest: Any, place: Any, shown: Format, named: str | None, notes: list[str], home_options: str, *, long: bool
) -> None:
    """Print the leaderboard of a contest that is judged by a target."""
    from sweeps.entries.lost import Lost
    from sweeps.standings.reading import latest_sweep_of, standings_of
    from sweeps.views.terminal.entries import standings_table
    from sweeps.views.terminal.read_overview import read_overview

    lost = Lost()
    board, sweep = standings_of(contest, place, lost), named or latest_sweep_of(contest, place)
    rows, notes = board.rows(named), [*lost.lines(place), *notes]
    match shown:
        case Format.CSV:
            print(standings_table.standings_to_csv(rows), end="")
        case Format.MARKDOWN:
            print(standings_table.standings_to_markdown(contest, rows), end="")
        case Format.HTML:
            from sweeps.views.report import standings_report

            page = standings_report.leaderboard_page(board, sweep, place)
            print(page if takes_unicode() else to_ascii_page(page))
        case Format.TABLE:
            if long:
                Terminal().print(standings_table.render_standings(contest, rows))
            else:
                shown_rows = board.rows(sweep)
                Terminal().print(read_overview(sweep, shown_rows, place, contest=contest, home_options=home_options))
    for line in notes:
        Terminal(stderr=shown != Format.TABLE).print_line(line)


@app.command()
def show(
    context: typer.Context,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY|SWEEP|ENTRY", help="The start of a job's key, a sweep, or an entry, e.g. trial-20."
        ),
    ],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Show everything about a job, a sweep or an entry.

    Settings, attempts, outputs, and the certificate of its audit.

    Example: golfsweep show 3fa9c1
    """
    from sweeps.views.show import SCHEMA_VERSION, describe
    from sweeps.views.terminal.card import Card
    from sweeps.views.verdicts.known_names import baseline_of, words_for

    place, sweeps = open_sweeps(home, db, files, None)
    if key not in [sweep.name for sweep in sweeps] and not KEY.fullmatch(key):
        place, _ = open_entries(home, db, files, None)
    description = describe(key, place)
    if json_:
        return print_json({"schema_version": SCHEMA_VERSION} | description)
    sweep = description.get("sweep") or (description["name"] if "file" in description else None)
    words = words_for(sweep or "", place, typed_home(context))
    Terminal().print(Card(facts=description, commands=words, baseline=baseline_of(sweep, place)))


def open_entries(home: Path, db: str | None, files: str | None, name: str | None) -> tuple[Any, list[Any]]:
    """As `open_sweeps`; writes entries first where an earlier version of golfsweep wrote none."""
    from sweeps.entries.form import is_outdated

    place, sweeps = open_sweeps(home, db, files, name)
    if not any(map(is_outdated, place.store.sweeps())):
        return place, sweeps
    if place.store.is_read_only:
        raise InputError(
            f"{home}: its entries are of an earlier version, and you may not write there; let its owner run golfsweep "
            f"leaderboard --home {home}"
        )
    from sweeps.run.entries import build_missing  # imports torch, once in the life of a home

    console = Terminal(stderr=True)
    build_missing(place.store, place.files, console.print_line)
    return open_sweeps(home, db, files, name)
