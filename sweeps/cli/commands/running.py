"""Previewing sweeps and following them: plan, status."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SetOption,
    SweepArgument,
    app,
    open_sweeps,
    open_to_read,
    print_json,
)
from sweeps.text.terminal import Terminal


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    nodes: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="How many nodes to plan for.")] = 1,
    slots: Annotated[
        int | None,
        typer.Option(min=1, max=1024, metavar="N", help="GPUs (or cores) of each node; by default this machine's."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Preview jobs, time and cost of a sweep.

    Finished jobs of any sweep count as done: a job with the same settings, code and data never runs twice.

    Example: golfsweep plan examples/fineweb.toml --nodes 4 --slots 8
    """
    from cluster.executors.local import local_slots
    from jobs.machine import environment
    from jobs.paths import Home
    from jobs.workplace import Workplace
    from sweeps.planning.plan import plan as make_plan
    from sweeps.planning.plan import planned_machine
    from sweeps.run import session
    from sweeps.spec.file import load_sweep
    from sweeps.views.terminal.show_plan import show_plan

    spec = load_sweep(file, set_ or ())
    place = open_to_read(home, db, files) if home.exists() or db else Workplace.empty(home)
    with TemporaryDirectory() as spare:  # a plan leaves nothing, the bundled corpus included
        corpus = place.home if place.home.demo.exists() else Home(Path(spare))
        sweep = session.resolve(spec, corpus, planned_machine(spec.name, place.store, environment.machine()))
        slots = slots or local_slots(sweep.widest())
        preview = make_plan(sweep, place.store, nodes=nodes, slots=slots, now=time.time())
    if json_:
        return print_json(preview.to_json())
    show_plan(preview, Terminal())


@app.command()
def status(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Show how far sweeps are and what runs now.

    Example: golfsweep status demo
    """
    from sweeps.views.status import lines, quarantined, state_of

    place, sweeps = open_sweeps(home, db, files, name)
    states = [state_of(sweep, place.store) for sweep in sweeps]
    if json_:
        return print_json({"sweeps": states})
    console = Terminal()
    if not states:
        console.print_line(f"No sweep in {place.home.root} yet; start one with golfsweep run FILE.")
    for text in (*(text for state in states for text in lines(state)), *quarantined(place.store.nodes())):
        console.print_line(text)
