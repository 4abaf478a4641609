"""Acting on what runs elsewhere: submit, cancel."""

from pathlib import Path
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
    SetOption,
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
    from jobs.state import SweepState
    from sweeps.run.cancel import cancel as end

    place, [record] = open_sweeps(home, db, files, sweep)
    if what is None and record.state in (SweepState.DONE, SweepState.FAILED):
        message = f"sweep {sweep} has finished ({record.state}); there is nothing to cancel"
        found = {"sweep": sweep, "cancelled": [], "ended": True, "message": message}
    else:
        found = end(sweep, what, place.store)
    if json_:
        print_json(found)
    else:
        Console().print(found["message"], highlight=False, soft_wrap=True)
    if not found["ended"]:
        raise typer.Exit(1)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    ray: Annotated[str, typer.Option("--ray", help="Its dashboard, http://HOST:8265, or its head, HOST:PORT.")],
    set_: SetOption = None,
    home: Annotated[str, typer.Option("--home", help="Folder on the cluster's head.")] = "~/.golfsweep",
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Hand a sweep to a cluster, which runs it while this machine may go away.

    A database other than the one in --home is named by GOLFSWEEP_DB in the environment of the cluster's head: commands
    of jobs can be read by everybody who may see the cluster.

    Example: golfsweep submit sweep.toml --ray http://10.0.0.1:8265
    """
    from sweeps.run.submit import submit as hand_over
    from sweeps.spec.file import load_sweep

    found = hand_over(file, load_sweep(file, set_ or ()), set_ or (), ray, home, files)
    if json_:
        return print_json(found)
    Console().print(f"Submitted as {found['job']}; to follow it: {found['follow']}", highlight=False, soft_wrap=True)
