"""Following a sweep of another process, and queueing its failed jobs again: watch, retry."""

from typing import Annotated, Any

import typer

from golf.errors import InputError
from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    command_line,
    complete_sweep,
    open_sweeps,
    print_json,
)
from sweeps.cli.errors import ExitCode, Interrupted
from sweeps.text.terminal import Terminal


@app.command()
def watch(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Follow a sweep that another process runs, until it ends.

    Shows what run shows, from the database alone: it starts nothing, and Ctrl-C ends the watching only. One that is
    queued or paused is awaited. Without a name it follows the latest sweep that runs. Exit 1 if the sweep fails or
    stops, or if nothing runs it.

    Example: golfsweep watch demo
    """
    from jobs.state import SweepState
    from sweeps.views.status import lines, state_of
    from sweeps.views.submissions import listed_sweep

    place, sweeps = open_sweeps(home, db, files, name, submitted=True)
    if not sweeps:
        raise InputError(f"{place.home.root}: there is no sweep to watch; start one with golfsweep run FILE")
    running = [sweep for sweep in sweeps if sweep.state == SweepState.RUNNING]
    sweep = (running or sweeps)[-1].name
    try:
        _follow(sweep, place)
    except KeyboardInterrupt:
        raise Interrupted(f"the sweep goes on; watch it again with: {command_line()}") from None
    record = listed_sweep(sweep, place.store)
    if record is None:
        raise InputError(f"sweep {sweep}: was removed while it was watched")
    state = state_of(record, place.store)
    if json_:
        print_json(state)
    else:
        for text in lines(state):
            Terminal().print_line(text)
        if state["state"] == SweepState.DONE:
            Terminal().print_line(f"Next: golfsweep leaderboard {sweep}")
    if state["state"] != SweepState.DONE:
        raise typer.Exit(ExitCode.FAILED)


def _follow(sweep: str, place: Any) -> None:
    """Show a sweep's progress on stderr until it is over, or nobody drives it; one that waits is awaited."""
    from sweeps.driver.sweep import Sweep
    from sweeps.run.forecasts.time_left import TimeLeft
    from sweeps.views.following import await_turn, follow_sweep, waiting
    from sweeps.views.read_usage import read_usage
    from sweeps.views.terminal.progress import LiveProgress

    store, console = place.store, Terminal(stderr=True)
    while True:
        await_turn(sweep, store, console.print_line)
        record, driver = store.sweep(sweep), store.driver_of(sweep)
        if record is None or driver is None:  # how it ended is said afterwards
            return
        time_left = TimeLeft(Sweep.from_json(record.spec), store, driver.since)
        with LiveProgress(console, usage=lambda: read_usage(sweep, store), name=sweep) as progress:
            for snapshot in follow_sweep(sweep, store):
                scheduler = store.scheduler_of(sweep)
                slots, widest = (0, 1) if scheduler is None else (scheduler.slots, max(1, scheduler.widest))
                progress.show(snapshot, time_left.estimate(snapshot, slots, widest))
        if waiting(sweep, store) is None:
            return


@app.command()
def retry(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP|KEY",
            help="A sweep, by default the latest, or the start of a job's key.",
            autocompletion=complete_sweep,
        ),
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Queue the failed jobs of a sweep again, or one job.

    A sweep that runs starts them by itself; one that has ended starts them at its next run. Trials that the search has
    counted as failed stay so, since later trials were drawn by that.

    Example: golfsweep retry demo
    """
    from sweeps.driver.retrying import retry_job, retry_sweep

    place, sweeps = open_sweeps(home, db, files, None, to_write=True)
    if name is None and not sweeps:
        raise InputError(f"{place.home.root}: there is no sweep to retry; start one with golfsweep run FILE")
    sweep = sweeps[-1].name if name is None else name
    is_sweep = sweep in [record.name for record in sweeps]
    outcome = retry_sweep(sweep, place.store) if is_sweep else retry_job(sweep, place.store)
    if json_:
        return print_json(outcome.to_json())
    for line in outcome.lines:
        Terminal().print_line(line)
