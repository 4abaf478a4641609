"""Two entries side by side: compare."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sweeps.cli.app import (
    HOME,
    BriefOption,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    print_brief,
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
    brief: BriefOption = False,
) -> None:
    """Compare two entries: is the challenger better, and what would show it?

    Shows the difference, every test, what differs between the recipes, and how many more seeds are needed.

    Example: golfsweep compare trial-20 lora-ttt
    """
    from sweeps.views.terminal import compare_text
    from sweeps.views.terminal.entries.standing_card import StandingPair
    from sweeps.views.verdicts.comparison_document import comparison_document

    place, _ = open_entries(home, db, files, None)
    made = comparison_document(challenger, incumbent, place, typed_home(context))
    comparison, where = made.document, ""
    if html:
        path, where = write_if_allowed(_page_of(made, place), place.home.root)
        comparison |= {"report": None if path is None else str(path)}
    if brief:
        from sweeps.views.brief.entries import brief_comparison

        return print_brief(brief_comparison(comparison))
    if json_:
        return print_json(comparison)
    if made.standings is not None:
        contest = made.standings[0].contest
        Terminal().print(StandingPair(comparison=comparison, claim=made.claim, contest=contest, step=made.step))
    else:
        Terminal().print(compare_text.render(comparison, made.documents, made.step))
    for line in comparison.get("notes", ()):
        Terminal().print_line(line)
    if html:
        Terminal().print_line(f"Page: {where}")


def _page_of(made: Any, place: Any) -> Callable[[], Path]:
    """What writes the page of a comparison."""
    from sweeps.views.report import report, standings_report

    if made.standings is None:
        return partial(report.write_comparison, made.document, made.documents, place)
    contest = made.standings[0].contest
    return partial(standings_report.write_comparison, made.document, made.claim, made.step, contest, place)
