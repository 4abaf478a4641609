"""A row as the challenge wants it: package."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import HOME, DbOption, DebugOption, FilesOption, HomeOption, JsonOption, app, print_json
from sweeps.cli.results import open_entries


@app.command()
def package(
    row: Annotated[str, typer.Argument(help="A row as SWEEP/ROW, or ROW of the latest sweep.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write: a new one, or an empty one.")],
    author: Annotated[str | None, typer.Option("--author", help="Who submits it.")] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a legal row as a submission: README, submission.json, a log a seed, one self-contained train_gpt.py.

    Example: golfsweep package demo/lora-ttt --out records/lora-ttt --author "Ada Lovelace"
    """
    from sweeps.submission import package, submission, submission_folder

    package.check_free(out)
    place, _ = open_entries(home, db, files, None)
    found = package.gather(row, place, author)
    contents = submission_folder.contents(found)
    package.write(out, contents)
    claims = submission.claims(found)
    if json_:
        return print_json({"folder": str(out), "files": sorted(contents), "submission": claims})
    line = (
        f"{found.name}: {claims['val_bpb']:.5f} bpb over {len(found.runs)} seeds, {claims['bytes_total']:,} bytes "
        f"with {claims['bytes_code']:,} of code; written to {out}; golfsweep check {out} reviews it"
    )
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
