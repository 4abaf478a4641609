"""Acting on what runs: cancel."""

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
    app,
    open_sweeps,
    print_json,
)


@app.command()
def cancel(
    sweep: Annotated[str, typer.Argument(help="Name of the sweep.")],
    what: Annotated[
        str | None, typer.Argument(metavar="[TRIAL|KEY]", help="A trial's number, or a job's key; all if left out.")
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """End a sweep, one of its trials, or one of its jobs; returns when none of its processes is left.

    Example: golfsweep cancel demo 7
    """
    from sweeps.cancel import cancel as end

    place, _ = open_sweeps(home, db, files, sweep)
    found = end(sweep, what, place.store)
    if json_:
        print_json(found)
    else:
        Console().print(found["message"], highlight=False, soft_wrap=True)
    if not found["ended"]:
        raise typer.Exit(1)
