"""Public records: import, check."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import HOME, DbOption, DebugOption, FilesOption, HomeOption, JsonOption, app, print_json


@app.command("import")
def import_(
    folders: Annotated[list[Path], typer.Argument(help="Record folders, or folders of them.", metavar="DIR...")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make rows of public records; whatever disagrees in one is a finding, and no reason to fail.

    Example: golfsweep import records/track_10min_16mb
    """
    from jobs.workplace import Workplace
    from sweeps.records import findings, folder, record, rows

    every = dict.fromkeys(path.resolve() for given in folders for path in folder.find(given))
    read = folder.read_all(list(every))
    found = {one.name: rows.content_of(one, findings.judge(one)) for one in map(record.judge_folder, read)}
    place = Workplace.open(home, db, files)
    changed = [name for name, content in found.items() if place.store.put_record(name, content)]
    if json_:
        return print_json({"rows": [rows.row_of(content) for content in found.values()], "changed": changed})
    for name, content in found.items():
        row, codes = rows.row_of(content), dict.fromkeys(one["code"] for one in content["findings"])
        score = "no score" if row["val_bpb_mean"] is None else f"{row['val_bpb_mean']:.5f} bpb"
        line = f"{name}: {score}, {row['track']}; {', '.join(codes) or 'nothing disagrees'}"
        Console().print(line, highlight=False, markup=False, soft_wrap=True)
    unchanged = len(found) - len(changed)
    Console().print(f"{len(changed)} imported, {unchanged} already there; golfsweep leaderboard shows them")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A record folder.", metavar="DIR")],
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Judge one record folder, as Markdown for a review thread; exit 1 if rules are broken or claims not borne out.

    Example: golfsweep check records/track_10min_16mb/2026-03-17_LoRA_TTT
    """
    from sweeps.records import findings, record, review
    from sweeps.records.folder import read

    one = record.judge_folder(read(folder))
    judged = findings.judge(one)
    if json_:
        print_json(review.as_json(one, judged))
    else:
        print(review.as_markdown(one, judged))
    if not review.passes(judged):
        raise typer.Exit(1)
