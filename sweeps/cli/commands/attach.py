"""Start from files that exist already: attach."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, complete_sweep, print_json
from sweeps.text.terminal import Terminal


@app.command()
def attach(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that a stage would have written.")],
    sweep: Annotated[
        str,
        typer.Option("--sweep", metavar="SWEEP|FILE", help="The sweep, or its file.", autocompletion=complete_sweep),
    ],
    stage: Annotated[str, typer.Option("--stage", metavar="NAME", help="Stage of the script, e.g. train.")],
    role: Annotated[str, typer.Option("--role", metavar="NAME", help="Output of the stage, e.g. artifact.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the run that made the file.")],
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="What the script printed in that run.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option("--entry", metavar="NAME", help="The arm that it is of, if arms differ in this stage.")
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a file that exists already the output of a script's stage.

    The stage's job is done by that and does not run; entries that rest on it say so.

    Example: golfsweep attach final_model.int8.ptz --sweep sweep.toml --stage train --role artifact --seed 42
    """
    from jobs.workplace import Workplace
    from sweeps.run.attach import Attachment, attach, open_sweep

    place = Workplace.open(home, db, files)
    try:
        found = open_sweep(sweep, place, Terminal(stderr=True).print_line)
        job = attach(Attachment(file=file, stage=stage, role=role, seed=seed, entry=entry, log=log), found, place)
    except Exception:
        place.remove_if_unused()
        raise
    outputs = job.outputs or {}
    if json_:
        return print_json(
            {
                "sweep": found.spec.name,
                "key": job.key,
                "label": job.order.label,
                role: outputs[role],
                "scores": outputs["scores"],
            }
        )
    Terminal().print_line(f"Attached {file} as {role} of {job.order.label} ({job.key[:12]}).")
