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
    """Write a legal entry as a submission to the challenge.

    The folder gets a README, submission.json, a log for each seed, and one self-contained train_gpt.py.

    Example: golfsweep package demo/lora-ttt --out records/lora-ttt --author "Ada Lovelace"
    """
    from sweeps.submission import package, submission, submission_folder

    package.check_free(out)
    place, _ = open_entries(home, db, files, None)
    evidence = package.gather(entry, place, author)
    contents = submission_folder.make_files(evidence)
    package.write(out, contents)
    claims = submission.make_claims(evidence)
    if json_:
        return print_json({"folder": str(out), "files": sorted(contents), "submission": claims})
    line = (
        f"{evidence.name}: {claims['val_bpb']:.5f} bpb over {len(evidence.runs)} seeds, "
        f"{claims['bytes_total']:,} bytes with {claims['bytes_code']:,} of code; "
        f"written to {out}; golfsweep check {out} reviews it"
    )
    Terminal().print_line(line)
