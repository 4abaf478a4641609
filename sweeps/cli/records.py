"""Public records: import, check."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, print_json
from sweeps.cli.errors import ExitCode


@app.command("import")
def import_(
    folders: Annotated[list[Path], typer.Argument(help="Record folders, or folders of them.", metavar="DIR")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Import public records as entries.

    Numbers come from a record's logs where it has them. Whatever disagrees with its headline is a finding, and no
    reason to fail.

    Example: golfsweep import records/track_10min_16mb
    """
    from jobs.workplace import Workplace
    from sweeps.records import findings, folder, record, rows

    every = dict.fromkeys(path.resolve() for given in folders for path in folder.find(given))
    judged = [record.judge_folder(read) for read in folder.read_all(list(every))]
    contents = {one.name: rows.content_of(one, findings.judge(one)) for one in judged}
    place = Workplace.open(home, db, files)
    changed = [name for name, content in contents.items() if place.store.put_record(name, content)]
    if json_:
        return print_json({"rows": [rows.row_of(content) for content in contents.values()], "changed": changed})
    for name, content in contents.items():
        row, codes = rows.row_of(content), dict.fromkeys(finding["code"] for finding in content["findings"])
        score = "no score" if row["val_bpb_mean"] is None else f"{row['val_bpb_mean']:.5f} bpb"
        line = f"{name}: {score}, {row['track']}; {', '.join(codes) or 'no finding'}"
        Console().print(line, highlight=False, markup=False, soft_wrap=True)
    unchanged = len(contents) - len(changed)
    Console().print(f"{len(changed)} imported, {unchanged} unchanged; golfsweep leaderboard shows them")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A record folder.", metavar="DIR")],
    json_: JsonOption = False,
) -> None:
    """Review a record folder, as Markdown for a review thread.

    Exit 1 if it breaks a rule or its logs do not bear out its claims.

    Example: golfsweep check records/track_10min_16mb/2026-03-17_LoRA_TTT
    """
    from sweeps.records import findings, record, review
    from sweeps.records.folder import read

    judged = record.judge_folder(read(folder))
    disagreements = findings.judge(judged)
    if json_:
        print_json(review.as_json(judged, disagreements))
    else:
        print(review.as_markdown(judged, disagreements))
    if not review.passes(disagreements):
        raise typer.Exit(ExitCode.FAILED)
