"""Public records: import, check."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import (
    HOME,
    ContestOption,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    open_to_write,
    print_json,
)
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal


@app.command("import")
def import_(
    folders: Annotated[list[Path], typer.Argument(help="Record folders, or folders of them.", metavar="DIR")],
    contest: ContestOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Import public records as entries.

    Numbers come from a record's logs where it has them. A contradiction in a record is a finding, not an error.

    Example: golfsweep import records/track_10min_16mb
    """
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.submission.judges import JUDGES

    rules = contest_named(contest or DEFAULT)
    records = JUDGES[rules.judge].read(folders, rules)
    place = open_to_write(home, db, files)
    changed = [key for key, content in records.contents.items() if place.store.put_record(key, content)]
    if json_:
        return print_json({"rows": records.rows, "changed": [records.contents[key]["name"] for key in changed]})
    for line in records.lines:
        Terminal().print_line(line)
    unchanged = len(records.contents) - len(changed)
    shown_by = "golfsweep leaderboard" if contest in (None, DEFAULT) else f"golfsweep leaderboard --contest {contest}"
    Terminal().print_line(f"{len(changed)} imported, {unchanged} unchanged; {shown_by} shows them")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A record folder.", metavar="DIR")],
    contest: ContestOption = None,
    json_: JsonOption = False,
) -> None:
    """Review a record folder, as Markdown for a review thread.

    For a package made by golfsweep, it also reads the certificate and computes the p-values again. Exit 1 if the record
    breaks a rule or its files do not support its claims.

    Example: golfsweep check records/track_10min_16mb/2026-03-17_LoRA_TTT
    """
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.submission.judges import JUDGES

    rules = contest_named(contest or DEFAULT)
    review = JUDGES[rules.judge].review(folder, rules)
    if json_:
        print_json(review.document())
    else:
        print(review.text())
    if not review.passes:
        raise typer.Exit(ExitCode.FAILED)
