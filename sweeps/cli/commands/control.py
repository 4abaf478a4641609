"""Acting on sweeps that run elsewhere: submit, cancel."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SetOption,
    app,
    complete_sweep,
    open_sweeps,
    print_json,
)
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal


@app.command()
def cancel(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Name of the sweep.", autocompletion=complete_sweep)],
    what: Annotated[
        str | None,
        typer.Argument(metavar="TRIAL|KEY", help="A trial's number, or the start of a job's key; by default all."),
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Cancel a sweep, a trial or a job, and wait until its processes have ended.

    What has finished stays as it is. Exit 3 if they have not ended within a minute.

    Example: golfsweep cancel demo 7
    """
    from sweeps.run.cancel import cancel as end

    place, _ = open_sweeps(home, db, files, sweep, to_write=True)
    outcome = end(sweep, what, place.store)
    if json_:
        print_json(outcome.to_json(sweep))
    else:
        Terminal().print_line(outcome.message)
    if outcome.ending:
        raise typer.Exit(ExitCode.TRANSIENT)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep file.")],
    ray: Annotated[
        str, typer.Option("--ray", metavar="ADDRESS", help="Dashboard URL (http://HOST:8265) or head node (HOST:PORT).")
    ],
    set_: SetOption = None,
    home: Annotated[str, typer.Option("--home", metavar="DIR", help="Folder on the cluster's head.")] = "~/.golfsweep",
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Run a sweep on a cluster, independent of this machine.

    To use another database than the one in --home, set GOLFSWEEP_DB in the environment of the cluster's head:
    everybody who sees the cluster can read the commands of its jobs.

    Example: golfsweep submit sweep.toml --ray http://10.0.0.1:8265
    """
    from sweeps.run.submit import submit as hand_over
    from sweeps.spec.file import load_sweep

    submitted = hand_over(file, load_sweep(file, set_ or ()), set_ or (), ray, home, files)
    if json_:
        return print_json(submitted)
    Terminal().print_line(f"Submitted as {submitted['job']}; follow it with: {submitted['follow']}")
