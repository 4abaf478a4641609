"""The log of a job: logs."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, open_to_read, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal

if TYPE_CHECKING:
    from sweeps.views.job_logs import JobLog


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
        notes.print_line(about if log.lines else f"{about}; {_why_empty(log)}")
    if follow and log.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(ExitCode.FAILED)


def _why_empty(log: "JobLog") -> str:
    """Why there is nothing to show of a job."""
    if log.attempt is None:
        return "no attempt has started"
    if log.state == "running":
        return "it has reported no line yet"
    return f"it printed nothing that was kept; golfsweep show {log.key[:12]} has its results"
