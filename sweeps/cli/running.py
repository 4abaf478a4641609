"""Starting sweeps and watching them: run, plan, status."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

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
    from sweeps import report, results, session, table
    from sweeps.file import load_sweep
    from sweeps.progress import Progress
    from sweeps.sweep import Sweep

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    console = Console(stderr=True)

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    try:
        with Progress(console) as progress:
            end = session.run(spec, place, ray_address=ray, here=here, show=progress.show, say=say)
    except KeyboardInterrupt:
        say(f"Stopped. Everything finished is kept; to go on: {command_line()}")
        raise
    stored = place.store.sweep(spec.name)
    assert stored is not None
    sweep = Sweep.from_json(stored.spec)
    frame = results.frame_of(sweep, place.store, place.files)
    path = report.write(sweep, frame, place)
    Console().print(table.render(frame))
    Console().print(f"Report: {path}", highlight=False, soft_wrap=True)
    for job in end.failures:
        say(f"Failed: {job.order.label} ({job.key[:12]}): {job.reason}")
    if end.failures:
        say(f"{len(end.failures)} jobs failed; golfsweep show KEY tells more")
    if end.ended:
        say(f"Sweep {spec.name} is {end.ended}. What is finished is kept; to go on: {command_line()}")
    if end.failures or end.ended:
        raise typer.Exit(1)


@app.command()
@app.command()
def plan(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    slots: Annotated[int | None, typer.Option(help="GPUs (or cores) to plan for; this machine's if left out.")] = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Count a sweep's jobs and estimate what they take.

    Example: golfsweep plan examples/fineweb.toml --slots 16
    """
    from cluster.local import local_slots
    from jobs import environment
    from sweeps import session
    from sweeps.file import load_sweep
    from sweeps.plan import plan as make_plan
    from sweeps.progress import duration

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    sweep = session.resolve(spec, place.home, environment.machine())
    found = make_plan(sweep, place.store, slots or local_slots(sweep.widest()))
    if json_:
        return print_json(found)
    shown = Table("stage", "jobs", "done", "slot-seconds each", "slot-hours left", title=f"Plan of {spec.name}")
    for kind, stage in found["stages"].items():
        each = "?" if stage["slot_seconds_each"] is None else f"{stage['slot_seconds_each']:.0f} ({stage['source']})"
        hours = "?" if stage["slot_hours"] is None else f"{stage['slot_hours']:.2f}"
        shown.add_row(kind, str(stage["jobs"]), str(stage["done"]), each, hours)
    Console().print(shown)
    if found["seconds"] is not None:
        dollars = "" if found["dollars"] is None else f", ${found['dollars']:.2f}"
        Console().print(f"About {duration(found['seconds'])} on {found['slots']} slots{dollars}; '?' is not counted.")


@app.command()
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
    from sweeps.status import lines, state_of

    place, sweeps = open_sweeps(home, db, files, name)
    found = [state_of(sweep, place.store) for sweep in sweeps]
    if json_:
        return print_json({"sweeps": found})
    console = Console()
    for one in found:
        for text in lines(one):
            console.print(text, highlight=False, markup=False, soft_wrap=True)
