"""Starting sweeps and watching them: run, plan, status."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import (
    HOME,
    DbOption,
    DebugOption,
    FilesOption,
    HereOption,
    HomeOption,
    JsonOption,
    RayOption,
    SetOption,
    SweepArgument,
    app,
    command_line,
    open_sweeps,
    print_json,
)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    ray: RayOption = None,
    here: HereOption = False,
    debug: DebugOption = False,
) -> None:
    """Start a sweep, or go on with it.

    Example: golfsweep run examples/demo.toml --set eval.chunk=64
    """
    from jobs.workplace import Workplace
    from sweeps.entries import reading
    from sweeps.run import session
    from sweeps.spec.file import load_sweep
    from sweeps.views.report import report
    from sweeps.views.terminal import table
    from sweeps.views.terminal.progress import Progress

    spec = load_sweep(file, set_ or ())
    place = Workplace.open(home, db, files)
    console = Console(stderr=True)

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    try:
        with Progress(console) as progress:
            end = session.run(spec, place, ray_address=ray, here=here, show=progress.show, say=say)
    except KeyboardInterrupt:
        say(f"Stopped. Everything finished is kept; to go on: {command_line()}")
        raise
    board = reading.board_of(spec.name, place)
    path = report.write(spec.name, board, place)
    Console().print(table.render(board.table()))
    Console().print(f"Report: {path}", highlight=False, soft_wrap=True)
    for job in end.failures:
        say(f"Failed: {job.order.label} ({job.key[:12]}): {job.reason}")
    if end.failures:
        say(f"{len(end.failures)} jobs failed; golfsweep show KEY tells more")
    if end.blocked:
        why = f"{end.blocked.order.label} is {end.blocked.state}"
        say(f"The search stands still: {why}, which every trial needs; to go on: {command_line()}")
    if end.ended:
        say(f"Sweep {spec.name} is {end.ended}. What is finished is kept; to go on: {command_line()}")
    if end.failures or end.blocked or end.ended:
        raise typer.Exit(1)


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes to plan for.")] = 1,
    slots: Annotated[
        int | None, typer.Option(min=1, help="GPUs (or cores) of each node; this machine's if left out.")
    ] = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what a sweep will do, take and cost on so many nodes, and what of it is done already.

    Example: golfsweep plan examples/fineweb.toml --nodes 4 --slots 8
    """
    from cluster.executors.local import local_slots
    from jobs.machine import environment
    from jobs.workplace import Workplace
    from sweeps.planning.plan import plan as make_plan
    from sweeps.planning.plan import planned_machine
    from sweeps.run import session
    from sweeps.spec.file import load_sweep
    from sweeps.views.terminal.show_plan import show_plan

    spec = load_sweep(file, set_ or ())
    place = Workplace.open(home, db, files)
    sweep = session.resolve(spec, place.home, planned_machine(spec.name, place.store, environment.machine()))
    slots = slots or local_slots(sweep.widest())
    found = make_plan(sweep, place.store, nodes=nodes, slots=slots, now=time.time())
    if json_:
        return print_json(found.to_json())
    show_plan(found, Console())


@app.command()
def status(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show how far sweeps are, and what runs.

    Example: golfsweep status demo
    """
    from sweeps.views.status import lines, quarantined, state_of

    place, sweeps = open_sweeps(home, db, files, name)
    found = [state_of(sweep, place.store) for sweep in sweeps]
    if json_:
        return print_json({"sweeps": found})
    console = Console()
    if not found:
        console.print(f"No sweep in {place.home.root} yet; start one with golfsweep run FILE.", soft_wrap=True)
    for text in (*(text for one in found for text in lines(one)), *quarantined(place.store.nodes())):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
