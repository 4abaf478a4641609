"""Testing a claim on fresh seeds: challenge."""

from typing import Annotated, Any

import typer

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
    print_json,
)
from sweeps.cli.commands.results import open_entries
from sweeps.cli.commands.run import choose_executor, explain_end
from sweeps.cli.errors import ExitCode, Interrupted
from sweeps.text.terminal import Terminal


@app.command(needs_database=True)
def challenge(
    context: typer.Context,
    entry: Annotated[
        str,
        typer.Argument(metavar="ENTRY", help="SWEEP/ENTRY, or an entry of the latest sweep, whose claim is tested."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its price, and run nothing.")] = False,
    set_: SetOption = None,
    agent: AgentOption = None,
    executor: ExecutorOption = None,
    ray: RayOption = None,
    here: HereOption = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Test a claim on fresh seeds, with as few as can decide it.

    The claim is that an entry is better than the record or baseline that it is compared with. Both recipes run on
    seeds used nowhere before, analysis after analysis, until the claim stands or falls. The same command resumes an
    interrupted challenge.

    Example: golfsweep challenge demo/trial-20 --set budget.dollars=5
    """
    from jobs.workplace import Workplace
    from sweeps.challenge.claim import read_claim
    from sweeps.challenge.outcome import describe_challenge, outcome_lines, plan_lines
    from sweeps.challenge.plan import plan_challenge
    from sweeps.spec.checks.names import check_names
    from sweeps.spec.reading import parse_assignments

    source = context.get_parameter_source("ray")
    if source is not None and source.name == "ENVIRONMENT" and (executor is not None or here):
        ray = None  # an option wins over a variable
    check_names([agent] if agent else [], "--agent")
    chosen, changes = choose_executor(executor, ray, here), parse_assignments(set_ or ())
    place, _ = open_entries(home, db, files, None)
    plan = plan_challenge(read_claim(entry, place), place, changes)
    document = describe_challenge(plan, place.store)
    console, notes = Terminal(), Terminal(stderr=True)
    for line in plan_lines(document):
        (notes if json_ else console).print_line(line)
    if dry_run:
        return print_json(document | {"code": ExitCode.DONE}) if json_ else None
    place.store.close()
    place = Workplace.open(home, db, files)
    end = _run(plan, place, chosen, agent or None, notes, json_)
    document = describe_challenge(plan, place.store)
    failed = end.failures or end.blocked or end.ended or document["outcome"] != "stands"
    code = ExitCode.FAILED if failed else ExitCode.DONE
    if json_:
        print_json(document | {"code": code})
    else:
        for line in outcome_lines(document):
            console.print_line(line)
    for line in explain_end(plan.spec.name, end):
        notes.print_line(line)
    if code:
        raise typer.Exit(code)


def _run(plan: Any, place: Any, executor: str, agent: str | None, notes: Terminal, json_: bool) -> Any:
    """Run the challenge's sweep to its end; interrupted, say how it goes on."""
    from sweeps.challenge.outcome import describe_challenge
    from sweeps.run import session
    from sweeps.views.read_usage import read_usage
    from sweeps.views.terminal.progress import LiveProgress

    try:
        with LiveProgress(
            notes, usage=lambda: read_usage(plan.spec.name, place.store), name=plan.spec.name
        ) as progress:
            return session.run(
                plan.spec, place, executor=executor, agent=agent, show=progress.show, say=notes.print_line
            )
    except KeyboardInterrupt:
        stopped = Interrupted(f"finished work is kept; resume with: {command_line()}")
        if not json_:
            raise stopped from None
        notes.print_line(f"{stopped.error[0].upper()}{stopped.error[1:]}; {stopped}")
        print_json(describe_challenge(plan, place.store) | {"code": stopped.code})
        raise typer.Exit(stopped.code) from None
