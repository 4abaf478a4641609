"""Previewing sweeps and following them: plan, status, logs."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import (
    HOME,
    BriefOption,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SetOption,
    SweepArgument,
    app,
    open_sweeps,
    open_to_read,
    print_brief,
    print_json,
)
from sweeps.cli.errors import ExitCode
from sweeps.cli.servers import chosen_server
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
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not measure this machine; guess what no finished job shows.")
    ] = False,
    json_: JsonOption = False,
    brief: BriefOption = False,
) -> None:
    """Preview jobs, time and cost of a sweep.

    Finished jobs of any sweep count as done: a job with the same settings, code and data never runs twice. If none
    shows how long a job takes, short jobs are timed on this machine in about 40 seconds; their times are kept.

    Example: golfsweep plan examples/fineweb.toml --nodes 4 --slots 8
    """
    from jobs.workplace import Workplace
    from sweeps.run.forecasts.forecast import forecast
    from sweeps.spec.file import load_sweep
    from sweeps.views.terminal.show_plan import show_plan

    spec = load_sweep(file, set_ or ())
    place = open_to_read(home, db, files) if home.exists() or db or chosen_server() else Workplace.empty(home)
    say = Terminal(stderr=True).print_line
    preview = forecast(spec, place, nodes=nodes, slots=slots, measure_here=not quick, say=say)
    if brief:
        from sweeps.views.brief.sweeps import brief_plan

        return print_brief(brief_plan(preview.to_json()))
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
    brief: BriefOption = False,
) -> None:
    """Show the progress of sweeps and what runs now.

    Example: golfsweep status demo
    """
    from sweeps.views.status import lines, quarantined, state_of

    place, sweeps = open_sweeps(home, db, files, name, submitted=True)
    states = [state_of(sweep, place.store) for sweep in sweeps]
    if brief:
        from sweeps.views.brief.sweeps import brief_status

        return print_brief(brief_status(states))
    if json_:
        return print_json({"sweeps": states})
    console = Terminal()
    if not states:
        console.print_line(f"No sweep in {place.home.root} yet; start one with golfsweep run FILE.")
    for text in (*(text for state in states for text in lines(state)), *quarantined(place.store.nodes())):
        console.print_line(text)


@app.command()
def logs(
    name: Annotated[
        str,
        typer.Argument(
            metavar="KEY|LABEL|ENTRY",
            help="The start of a job's key, a part of its label, or an entry as SWEEP/ENTRY.",
        ),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the job ends.")] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Show what a job printed, or follow it.

    Of a running job, the last lines that it reported; of a finished one, all. With --follow, exit 1 if the job fails.

    Example: golfsweep logs 3fa9c1 -f
    """
    from jobs.state import JobState
    from sweeps.views.job_logs import find_job, follow_log, read_log

    place = open_to_read(home, db, files)
    job = find_job(name, place)
    notes = Terminal(stderr=True)
    if follow:
        console = Terminal()
        for line in follow_log(job.key, place):
            if not json_:
                console.print_line(line)
        job = place.store.job(job.key) or job
    log = read_log(job, place)
    if json_:
        print_json(log.to_json())
    elif not follow:
        for line in log.lines:
            Terminal().print_line(line)
    about = f"{log.key[:12]} {log.label}: {log.state}" + (f" ({log.reason})" if log.reason else "")
    if not json_ and (follow or not log.whole):
        notes.print_line(about if log.lines else f"{about}; {log.why_empty()}")
    if follow and log.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(ExitCode.FAILED)
