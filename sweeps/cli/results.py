"""Results of sweeps: leaderboard, show."""

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    open_sweeps,
    print_json,
)

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
    name: SweepArgument = None,
    format_: Annotated[
        Format, typer.Option("--format", help="A table for people, or a form for programs or a review thread.")
    ] = Format.TABLE,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Show the entries of a sweep beside imported records.

    Example: golfsweep leaderboard demo --format markdown
    """
    from sweeps.board.leaderboard import to_json
    from sweeps.run import results
    from sweeps.spec.sweep import Sweep
    from sweeps.views.report import report
    from sweeps.views.terminal import formats, table

    place, sweeps = open_sweeps(home, db, files, name)
    shown = Format.JSON if json_ else format_
    if not sweeps and not place.store.records():
        return print_json({"rows": []}) if shown == Format.JSON else Console().print(NO_SWEEPS)
    board = results.board_of(Sweep.from_json(sweeps[-1].spec) if sweeps else None, place)
    frame = board.frame()
    match shown:
        case Format.JSON:
            print_json(to_json(frame) | {"frontier": board.changes()})
        case Format.CSV:
            print(formats.to_csv(frame), end="")
        case Format.MARKDOWN:
            print(formats.to_markdown(frame), end="")
        case Format.HTML:
            print(report.leaderboard_page(board))
        case Format.TABLE:
            Console().print(table.render(frame))


@app.command()
def show(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY|SWEEP|ENTRY", help="The start of a job's key, a sweep, or an entry as SWEEP/ENTRY."
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
    from sweeps.views.certificates import describe_certificate
    from sweeps.views.show import describe

    place, _ = open_sweeps(home, db, files, None)
    found = describe(key, place)
    if json_:
        return print_json(found)
    certificate = found.pop("certificate", None)
    Console().print_json(json.dumps(found, default=str))
    if certificate is not None:
        for line in describe_certificate(certificate):
            Console(highlight=False, soft_wrap=True).print(line, markup=False)
