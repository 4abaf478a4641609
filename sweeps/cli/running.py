"""Starting sweeps and watching them: run, plan, status."""

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
    from sweeps import report, results, session, table
    from sweeps.file import load_sweep
    from sweeps.progress import Progress
    from sweeps.sweep import Sweep

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    console = Console(stderr=True)
    try:
        with Progress(console) as progress:
            end = session.run(spec, place, ray_address=ray, here=here, show=progress.show)
    except KeyboardInterrupt:
        again = f"Stopped. Everything finished is kept; to go on: {command_line()}"
        console.print(again, highlight=False, soft_wrap=True)
        raise
    stored = place.store.sweep(spec.name)
    assert stored is not None
    sweep = Sweep.from_json(stored.spec)
    frame = results.frame_of(sweep, place.store, place.files)
    path = report.write(sweep, frame, place)
    Console().print(table.render(frame))
    Console().print(f"Report: {path}", highlight=False, soft_wrap=True)
    for job in end.failures:
        console.print(f"Failed: {job.order.label}: {job.reason}", highlight=False, soft_wrap=True)
    if end.failures:
        console.print(f"{len(end.failures)} jobs failed; golfsweep show KEY tells more", highlight=False)
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
    from cluster.local import local_slots
    from jobs import environment
    from jobs.spec import Machine
    from sweeps import session
    from sweeps.file import load_sweep
    from sweeps.plan import plan as make_plan
    from sweeps.show_plan import show_plan

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    before = place.store.sweep(spec.name)
    # Where the sweep was begun is where it goes on: numbers of another machine class are other jobs.
    machine = environment.machine() if before is None else Machine(**before.spec["machine"])
    sweep = session.resolve(spec, place.home, machine)
    found = make_plan(sweep, place.store, nodes=nodes, slots=slots or local_slots(sweep.widest()))
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
    from jobs.state import JobState

    place, sweeps = open_sweeps(home, db, files, name)
    found = []
    for sweep in sweeps:
        jobs = place.store.jobs(sweep=sweep.name)
        found.append({
            "name": sweep.name,
            "state": sweep.state,
            "jobs": {state.value: sum(job.state == state for job in jobs) for state in JobState},
            "running": [
                {"key": job.key, "label": job.order.label, "fraction": job.fraction, "note": job.note}
                for job in jobs if job.state == JobState.RUNNING
            ],
            "failed": [
                {"key": job.key, "label": job.order.label, "reason": job.reason}
                for job in jobs if job.state == JobState.FAILED
            ],
        })  # fmt: skip
    if json_:
        return print_json({"sweeps": found})
    console = Console()
    for one in found:
        counts = ", ".join(f"{count} {state}" for state, count in one["jobs"].items() if count)
        console.print(f"{one['name']}: {one['state']}; {counts or 'no jobs yet'}", highlight=False, markup=False)
        for job in one["running"]:
            console.print(f"  {job['label']}  {job['fraction']:.0%}  {job['note']}", highlight=False, markup=False)
        for job in one["failed"]:
            console.print(f"  {job['label']} failed: {job['reason']}", highlight=False, markup=False)
