"""Results for other tools: export."""

from pathlib import Path
from typing import Annotated

import typer

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, SweepArgument, app, print_json
from sweeps.cli.commands.results import open_entries
from sweeps.text.terminal import Terminal


@app.command()
def export(
    name: SweepArgument = None,
    to: Annotated[
        str, typer.Option("--to", metavar="FORM", help="One of csv, parquet, optuna, wandb, tensorboard.")
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="What to write; by default SWEEP-FORM here.")
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Write the results of a sweep for other tools.

    csv and parquet: a folder with entries, runs and trials. optuna: a file with the search as a study. tensorboard and
    wandb: a folder of runs, for which the package of that name must be installed.

    Example: golfsweep export demo --to optuna --out demo.db
    """
    from sweeps.exports.export import export_sweep

    place, sweeps = open_entries(home, db, files, name)
    if not sweeps:
        raise InputError(f"{place.home.root}: there is no sweep to export; start one with golfsweep run FILE")
    sweep = sweeps[-1].name
    path = export_sweep(sweep, to, place, out)
    if json_:
        return print_json({"sweep": sweep, "form": to, "path": str(path)})
    Terminal().print_line(f"Wrote {path}{'/' if path.is_dir() else ''}")
    if to == "optuna":
        Terminal().print_line(f'Read it with: optuna.load_study(study_name="{sweep}", storage="sqlite:///{path}")')
    elif to in ("tensorboard", "wandb"):
        Terminal().print_line(
            f"Next: {'tensorboard --logdir' if to == 'tensorboard' else 'wandb sync --sync-all'} {path}"
        )
