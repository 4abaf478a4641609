"""Two entries side by side: compare."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    print_json,
    typed_home,
)
from sweeps.cli.commands.results import open_entries
from sweeps.cli.reports import write_if_allowed
from sweeps.text.terminal import Terminal


@app.command()
def compare(
    context: typer.Context,
    challenger: Annotated[
        str, typer.Argument(metavar="CHALLENGER", help="SWEEP/ENTRY, an entry of the latest sweep, or a record.")
    ],
    incumbent: Annotated[str, typer.Argument(metavar="INCUMBENT", help="What to compare it with, in the same form.")],
    html: Annotated[
        bool, typer.Option("--html", help="Write a page with the plots of seeds and documents beside the reports.")
    ] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Compare two entries: is the challenger better, and what would show it?

    Shows the difference, every test, what differs between the recipes, and how many more seeds are needed.

    Example: golfsweep compare trial-20 lora-ttt
    """
    from sweeps.board import compare
    from sweeps.entries import reading
    from sweeps.entries.lost import Lost
    from sweeps.standings.reading import pair_named
    from sweeps.views.terminal import compare_text
    from sweeps.views.verdicts.read_verdict import advance_comparison

    place, _ = open_entries(home, db, files, None)
    if (standings := pair_named(challenger, incumbent, place)) is not None:
        return _compare_standings(*standings, place, typed_home(context), html=html, json_=json_)
    lost = Lost()
    pair = reading.pair_of(challenger, incumbent, place, lost)
    comparison, documents = compare.compare(pair), compare.document_differences(pair)
    step = advance_comparison(comparison, place, typed_home(context))
    path, where = None, ""
    if html:
        from sweeps.views.report import report

        write = partial(report.write_comparison, comparison, documents, place)
        path, where = write_if_allowed(write, place.home.root)
    if json_:
        where_to = {"next": asdict(step), "report": None if path is None else str(path)}
        return print_json(comparison | where_to | {"notes": [*lost.lines(place)]})
    Terminal().print(compare_text.render(comparison, documents, step))
    for line in lost.lines(place):
        Terminal().print_line(line)
    if html:
        Terminal().print_line(f"Page: {where}")


def _compare_standings(
    board: Any, challenger: Any, incumbent: Any, place: Any, home_options: str, *, html: bool, json_: bool
) -> None:
    """Compare two entries of a contest with a target."""
    from sweeps.standings.pair import claim_row, compare_standings
    from sweeps.views.terminal.entries.standing_card import StandingPair
    from sweeps.views.verdicts.known_names import words_for
    from sweeps.views.verdicts.standing_verdict import advance_standing

    comparison = compare_standings(board, challenger, incumbent)
    claim = claim_row(board, challenger, incumbent)
    words = words_for(challenger.entry.sweep, place, home_options, board.contest.name)
    step = advance_standing(claim, board.contest, words)
    path, where = None, ""
    if html:
        from sweeps.views.report import standings_report

        write = partial(standings_report.write_comparison, comparison, claim, step, board.contest, place)
        path, where = write_if_allowed(write, place.home.root)
    if json_:
        return print_json(comparison | {"next": asdict(step), "report": None if path is None else str(path)})
    Terminal().print(StandingPair(comparison=comparison, claim=claim, contest=board.contest, step=step))
    if html:
        Terminal().print_line(f"Page: {where}")
