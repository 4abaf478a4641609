"""An entry in the form of the challenge: package."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, print_json
from sweeps.cli.commands.results import open_entries
from sweeps.text.terminal import Terminal


@app.command()
def package(
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="An entry as SWEEP/ENTRY, or an entry of the latest sweep.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write: new, or empty.")],
    author: Annotated[str | None, typer.Option("--author", metavar="NAME", help="Who submits it.")] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Write an entry as a submission to the challenge.

    The folder gets a README, submission.json, the logs of each seed, and one self-contained train_gpt.py; of a sweep of
    a script, the script as it was swept. Of other sweeps only legal entries can be packaged.

    Example: golfsweep package demo/lora-ttt --out records/lora-ttt --author "Ada Lovelace"
    """
    from sweeps.submission import package, package_folder

    package_folder.check_free(out)
    place, _ = open_entries(home, db, files, None)
    made = package.make(entry, place, author)
    package_folder.write(out, made.files)
    claims = made.claims
    if json_:
        return print_json({"folder": str(out), "files": sorted(made.files), "submission": claims})
    size = f"{claims['bytes_total']:,} bytes with " if "bytes_total" in claims else ""
    line = (
        f"{made.name}: {claims['val_bpb']:.5f} bpb over {made.seeds} seeds, {size}{claims['bytes_code']:,} of code; "
        f"written to {out}; golfsweep check {out} reviews it"
    )
    Terminal().print_line(line)
