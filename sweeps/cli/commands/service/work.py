"""Running jobs of sweeps that others drive: work."""

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    ExecutorOption,
    FilesOption,
    HereOption,
    HomeOption,
    RayOption,
    app,
    command_line,
    open_to_write,
)
from sweeps.cli.commands.run import choose_executor
from sweeps.cli.errors import Interrupted
from sweeps.text.terminal import Terminal


@app.command()
def work(
    context: typer.Context,
    executor: ExecutorOption = None,
    ray: RayOption = None,
    here: HereOption = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
) -> None:
    """Run jobs of sweeps that others drive, on this machine or a cluster.

    With --server, only this machine connects to the service: it needs no open port and no database. It takes jobs that
    fit its slots and machine class, and sends logs, scores and artifacts as they appear. Data are found by what is in
    them: where the sweep has them, or below the folders of GOLFSWEEP_DATA; a job whose data are not here goes to other
    machines. Ctrl-C ends what runs, and gives it back.

    Example: golfsweep work --server https://sweeps.example.org --here
    """
    from sweeps.run.service.working import work as run_jobs

    source = context.get_parameter_source("ray")
    if source is not None and source.name == "ENVIRONMENT" and (executor is not None or here):
        ray = None  # an option wins over a variable
    chosen = choose_executor(executor, ray, here)
    place = open_to_write(home, db, files)
    try:
        run_jobs(place, executor=chosen, say=Terminal(stderr=True).print_line)
    except KeyboardInterrupt:
        raise Interrupted(f"what it had is free for others; go on with: {command_line()}") from None
