"""Starting and resuming sweeps: run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.registry import DEFAULT_EXECUTOR
from golf.errors import InputError
from sweeps.cli.app import (
    HOME,
    AgentOption,
    DbOption,
    ExecutorOption,
    FilesOption,
    HereOption,
    HomeOption,
    JsonOption,
    RayOption,
    SetOption,
    app,
    command_line,
    open_to_write,
    print_brief,
    print_json,
    typed_home,
)
from sweeps.cli.errors import ExitCode, Interrupted
from sweeps.cli.reports import write_if_allowed
from sweeps.cli.servers import chosen_server
from sweeps.text.terminal import Terminal


@app.command()
def run(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The sweep file.")] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Run the sweeps that were submitted to the service, until it is stopped.")
    ] = False,
    set_: SetOption = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Add a tag to the sweep; can be repeated.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Owner of a new sweep; by default the user.")
    ] = None,
    agent: AgentOption = None,
    executor: ExecutorOption = None,
    ray: RayOption = None,
    here: HereOption = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Check the file, start the run in the background, and print a ticket.")
    ] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Start or resume a sweep.

    The same command resumes a sweep that was interrupted or failed; finished jobs are not run again. With --detach it
    goes on without this terminal; golfsweep wait waits for it, and golfsweep cancel ends it. With --server it hands the
    sweep over to the service and follows it, unless --detach is given: others run it, and go on without this process.
    With --queue this process takes sweeps that were submitted to golfsweep serve on the same database; several share
    them.

    Example: golfsweep run examples/demo.toml --set eval.chunk=64
    """
    from jobs.workplace import Workplace
    from sweeps.run import session
    from sweeps.run.driving.versions import describe_file
    from sweeps.spec.checks.names import check_names
    from sweeps.spec.file import load_sweep
    from sweeps.views.read_usage import read_usage
    from sweeps.views.terminal.progress import LiveProgress

    source = context.get_parameter_source("ray")
    if source is not None and source.name == "ENVIRONMENT" and (executor is not None or here):
        ray = None  # an option wins over a variable
    chosen = choose_executor(executor, ray, here)
    if queue:
        given = {
            "FILE": file, "--set": set_, "--tag": tag, "--owner": owner, "--agent": agent, "--json": json_ or None,
            "--detach": detach or None,
        }  # fmt: skip
        return _run_queue(chosen, home, db, files, [name for name, value in given.items() if value is not None])
    if file is None:
        raise InputError("FILE: no sweep file is named; name one, or take submitted sweeps with --queue")
    check_names(tag or (), "--tag")
    check_names(() if owner is None else [owner], "--owner")
    check_names([agent] if agent else [], "--agent")
    if chosen_server() is not None:
        from sweeps.cli.commands.service.remote_run import RemoteRun, run_at_service

        own = {"--executor": executor, "--ray": ray, "--here": here or None, "--owner": owner}
        return run_at_service(
            RemoteRun(
                file=file,
                assignments=set_ or (),
                tags=tag or (),
                agent=agent or None,
                place=open_to_write(home, db, files),
                json=json_,
                home_options=typed_home(context),
                detach=detach,
            ),
            refused=[option for option, value in own.items() if value is not None],
        )
    if detach:
        from sweeps.agents.starting import DetachedRun

        run = DetachedRun(
            file=file, executor=chosen, root=home, assignments=set_ or (), tags=tag or (), owner=owner,
            agent=agent or None, database=db, files=files,
        )  # fmt: skip
        return _detach(run, json_, typed_home(context))
    spec = load_sweep(file, set_ or ())
    content = describe_file(file, set_ or (), spec)
    place = Workplace.open(home, db, files)
    console = Terminal(stderr=True)

    def say(text: str) -> None:
        console.print_line(text)

    try:
        with LiveProgress(console, usage=lambda: read_usage(spec.name, place.store), name=spec.name) as progress:
            end = session.run(
                spec,
                place,
                content=content,
                executor=chosen,
                owner=owner,
                agent=agent or None,
                tags=tag or (),
                show=progress.show,
                say=say,
            )
    except Exception:
        place.remove_if_unused()
        raise
    except KeyboardInterrupt:
        stopped = Interrupted(f"finished work is kept; resume with: {command_line()}")
        if place.remove_if_unused() or not json_ or place.store.sweep(spec.name) is None:
            raise stopped from None
        say(f"{stopped.error[0].upper()}{stopped.error[1:]}; {stopped}")
        print_json(document(spec.name, place, stopped.code))
        raise typer.Exit(stopped.code) from None
    code = ExitCode.FAILED if end.failures or end.blocked or end.ended else ExitCode.DONE
    show(spec.name, place, code, json_, typed_home(context))
    for line in explain_end(spec.name, end):
        say(line)
    if code:
        raise typer.Exit(code)


def _detach(run: Any, json_: bool, home_options: str) -> None:
    """Start a run in the background, and print its ticket."""
    from sweeps.agents.starting import begin_detached, describe_ticket

    ticket = describe_ticket(begin_detached(run, Terminal(stderr=True).print_line), home_options)
    if json_:
        return print_brief(ticket)
    Terminal().print_line(f"{ticket['sweep']} runs as process {ticket['pid']}; it prints to {ticket['log']}")
    Terminal().print_line(f"Wait for it with: {ticket['wait']}")


def _run_queue(executor: str, home: Path, db: str | None, files: str | None, given: Sequence[str]) -> None:
    """Drive submitted sweeps until somebody stops this process.

    Raises:
        InputError: what each sweep has of its own was given, too.
    """
    from jobs.workplace import Workplace
    from sweeps.run.driving.queue import run_queue

    if given:
        raise InputError(
            f"--queue {' '.join(given)}: submitted sweeps bring their own file and settings; give --queue alone"
        )
    try:
        run_queue(Workplace.open(home, db, files), executor=executor, say=Terminal(stderr=True).print_line)
    except KeyboardInterrupt:
        raise Interrupted(f"finished work is kept; go on with: {command_line()}") from None


def choose_executor(executor: str | None, ray: str | None, here: bool) -> str:
    """The executor that the options name; --ray ADDRESS and --here are short for two of them.

    Raises:
        InputError: several are named.
    """
    given = {
        "--executor": executor,
        "--ray": None if ray is None else f"ray:{ray}",
        "--here": "local" if here else None,
    }
    names = [option for option, choice in given.items() if choice is not None]
    if len(names) > 1:
        raise InputError(f"{' '.join(names)}: each names an executor; give one of them")
    return next((choice for choice in given.values() if choice is not None), DEFAULT_EXECUTOR)


def show(name: str, place: Any, code: ExitCode, json_: bool, home_options: str = "") -> None:
    """Write the report, and print the leaderboard or the document."""
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.entries.facts import contest_of
    from sweeps.entries.lost import Lost
    from sweeps.entries.reading import board_of
    from sweeps.standings.reading import standings_of
    from sweeps.views.report import report, standings_report
    from sweeps.views.terminal.read_overview import read_overview

    lost = Lost()
    if (contest := contest_of(place.store.sweep(name))) != DEFAULT:
        standings = standings_of(contest_named(contest), place, lost)
        path, where = write_if_allowed(lambda: standings_report.write(name, standings, place, lost), place.home.root)
        shown = document(name, place, code, report=path) if json_ else {}
        rows, rules = standings.rows(name), standings.contest
    else:
        board, rules = board_of(name, place, lost), None
        path, where = write_if_allowed(lambda: report.write(name, board, place, lost), place.home.root)
        shown = document(name, place, code, board=board, report=path) if json_ else {}
        rows = board.table()
    if json_:
        return print_json(shown | {"notes": [*lost.lines()]})
    why_none = None if path is not None else where
    overview = read_overview(
        name, rows, place, contest=rules, home_options=home_options, report=why_none, with_failures=False
    )  # `explain_end` names failures
    Terminal().print(overview)
    for line in lost.lines():
        Terminal().print_line(line)


def document(
    name: str, place: Any, code: ExitCode, board: Any | None = None, report: Path | None = None
) -> dict[str, Any]:
    """What `run --json` prints: how the sweep stands, its leaderboard, and how to resume it."""
    from jobs.state import JobState
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.entries.facts import contest_of
    from sweeps.entries.reading import board_of
    from sweeps.standings.reading import standings_of

    stored, jobs = place.store.sweep(name), place.store.jobs(sweep=name)
    if (contest := contest_of(stored)) != DEFAULT:
        standings = standings_of(contest_named(contest), place)
        rows, frontier = standings.rows(name), standings.changes()
    else:
        board = board or board_of(name, place)
        rows, frontier = board.table(), board.changes()
    failed = [job for job in jobs if job.state == JobState.FAILED]
    return {
        "sweep": name,
        "state": stored.state,
        "reason": stored.reason,
        "owner": stored.owner,
        "tags": list(stored.tags),
        "counts": {state: sum(job.state == state for job in jobs) for state in JobState},
        "failures": [{"key": job.key, "label": job.order.label, "reason": job.reason} for job in failed],
        "rows": rows,
        "frontier": frontier,
        "report": None if report is None else str(report),
        "resume": command_line(),
        "code": code,
    }


def _way_to_retry(failures: Sequence[Any]) -> str:
    """How jobs that failed are run again, unless their outputs were complete and are used."""
    if all(job.is_usable for job in failures):
        return "; their outputs were complete, and are used"
    return f"; retry with: {command_line()}"


def explain_end(name: str, end: Any) -> Sequence[str]:
    """Why a sweep is not done, a line for each reason, with the command that helps."""
    lines = [f"Failed: {job.order.label} ({job.key[:12]}): {job.reason}" for job in end.failures]
    if end.failures:
        number = f"{len(end.failures)} job{'' if len(end.failures) == 1 else 's'}"
        lines.append(f"{number} failed; golfsweep show KEY shows the log{_way_to_retry(end.failures)}")
    if end.blocked:
        was = "failed" if end.blocked.state == "failed" else f"was {end.blocked.state}"
        label = end.blocked.order.label
        lines.append(f"Search blocked: {label} {was}, and every trial needs it; retry with: {command_line()}")
    if end.ended:
        lines.append(f"Sweep {name} is {end.ended}; finished work is kept; {_way_on(end.ended)}: {command_line()}")
    return lines


def _way_on(ended: str) -> str:
    """What to do before the same command is of any use again: past a limit of the budget, it would end at once."""
    from jobs.state import SweepState

    if not ended.startswith(SweepState.OVER_BUDGET):
        return "resume with"
    limits = ("budget.gpu_hours", "budget.dollars", "budget.deadline")
    limit = next((name for name in limits if name in ended or name.partition(".")[2] in ended), "budget")
    return f"raise {limit} in the file, then resume with"
