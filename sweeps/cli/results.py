"""What came of sweeps: leaderboard, show."""

import json
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import (
    HOME,
    DbOption,
    DebugOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    open_sweeps,
    print_json,
)


@app.command()
def leaderboard(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the confirmed rows of a sweep, and imported records beside them.

    Example: golfsweep leaderboard demo --json
    """
    from sweeps import results, table
    from sweeps.leaderboard import leaderboard as empty_leaderboard
    from sweeps.leaderboard import to_json
    from sweeps.records import rows
    from sweeps.sweep import Sweep

    place, sweeps = open_sweeps(home, db, files, name)
    records = place.store.records()
    if not sweeps and not records:
        return print_json({"rows": []}) if json_ else Console().print("No sweeps yet; start one with golfsweep run.")
    frame = (
        results.frame_of(Sweep.from_json(sweeps[-1].spec), place.store, place.files)
        if sweeps
        else empty_leaderboard([], profile="accepted")
    )
    frame = rows.beside(frame, records)
    if json_:
        return print_json(to_json(frame))
    Console().print(table.render(frame))


@app.command()
@app.command()
def show(
    key: Annotated[str, typer.Argument(help="First digits of a job's key, a sweep, or a row as SWEEP/ROW.")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show all that is known of a job or row: settings, attempts, outputs, the certificate of its audit.

    Example: golfsweep show 3fa9c1
    """
    from sweeps.certificates import lines
    from sweeps.show import describe

    place, _ = open_sweeps(home, db, files, None)
    found = describe(key, place)
    if json_:
        return print_json(found)
    certificate = found.pop("certificate", None)
    Console().print_json(json.dumps(found, default=str))
    if certificate is not None:
        for line in lines(certificate):
            Console(highlight=False, soft_wrap=True).print(line, markup=False)
