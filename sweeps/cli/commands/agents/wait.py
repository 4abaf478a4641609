"""Waiting with a limit: wait."""

from typing import Annotated

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    complete_sweep,
    open_to_read,
    print_brief,
    typed_home,
)
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal

MOST_SECONDS = 86_400.0


@app.command()
def wait(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SWEEP", help="Name of the sweep.", autocompletion=complete_sweep)],
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="N", min=0.0, max=MOST_SECONDS, help="Seconds to wait at most.")
    ] = 600.0,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Wait until a sweep has ended, for a limited time.

    It may run anywhere with this database, or wait in the queue. Exit 0 if it is done; 1 if it failed, was ended or
    paused, or nobody runs it, which is said at once; 3 if it goes on or waits when the time is up: run the same command
    again.

    Example: golfsweep wait demo --seconds 600
    """
    from sweeps.agents.awaiting import wait_for_sweep

    end = wait_for_sweep(name, open_to_read(home, db, files), seconds)
    code = ExitCode.DONE if end.is_done else ExitCode.FAILED if end.is_over else ExitCode.TRANSIENT
    document = end.document | {"code": code}
    if json_:
        print_brief(document)
    else:
        reason = f" ({document['reason']})" if document["reason"] else ""
        Terminal().print_line(f"{name}: {document['state']}{reason} after {document['waited_seconds']:g} s")
        for line in document["log_end"] if end.is_over else ():
            Terminal().print_line(f"  | {line}")
        if end.is_done:
            Terminal().print_line(f"Next: golfsweep next {name} {typed_home(context)}".rstrip())
    if code:
        raise typer.Exit(code)
