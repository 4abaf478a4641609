"""Public records: import, check."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal


@app.command("import")
def import_(
    folders: Annotated[list[Path], typer.Argument(help="Record folders, or folders of them.", metavar="DIR")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Import public records as entries.

    Numbers come from a record's logs where it has them. A contradiction in a record is a finding, not an error.

    Example: golfsweep import records/track_10min_16mb
    """
    from jobs.workplace import Workplace
    from sweeps.records.entries import to_content, to_entry
    from sweeps.records.judging.findings import judge_record
    from sweeps.records.reading.folder import find_folders, read_folders
    from sweeps.records.record import build_record
    from sweeps.spec.checks.names import MOST_FOLDER_CHARACTERS, check_names

    paths = dict.fromkeys(path.resolve() for given in folders for path in find_folders(given))
    names = (os.fsencode(path.name).decode("utf-8", "surrogateescape") for path in paths)  # the same in every locale
    check_names(names, "folder", most=MOST_FOLDER_CHARACTERS)
    records = map(build_record, read_folders(list(paths)))
    contents = {record.name: to_content(record, judge_record(record)) for record in records}
    place = Workplace.open(home, db, files)
    changed = [name for name, content in contents.items() if place.store.put_record(name, content)]
    if json_:
        return print_json({"rows": [to_entry(content) for content in contents.values()], "changed": changed})
    for name, content in contents.items():
        entry, codes = to_entry(content), dict.fromkeys(finding["code"] for finding in content["findings"])
        score = "no score" if entry["val_bpb_mean"] is None else f"{entry['val_bpb_mean']:.5f} bpb"
        line = f"{name}: {score}, {entry['track']}; {', '.join(codes) or 'no findings'}"
        Terminal().print_line(line)
    unchanged = len(contents) - len(changed)
    Terminal().print_line(f"{len(changed)} imported, {unchanged} unchanged; golfsweep leaderboard shows them")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A record folder.", metavar="DIR")],
    json_: JsonOption = False,
) -> None:
    """Review a record folder, as Markdown for a review thread.

    Of a package of golfsweep it also reads the certificate, and computes its p-values again. Exit 1 if it breaks a
    rule or its files do not bear out its claims.

    Example: golfsweep check records/track_10min_16mb/2026-03-17_LoRA_TTT
    """
    from sweeps.records import review
    from sweeps.records.judging.findings import judge_record
    from sweeps.records.reading.folder import read_folder
    from sweeps.records.record import build_record
    from sweeps.submission.package_check import judge_package

    record = build_record(read_folder(folder))
    findings = (*judge_record(record), *judge_package(folder, record))
    if json_:
        print_json(review.to_json(record, findings))
    else:
        print(review.to_markdown(record, findings))
    if not review.passes(findings):
        raise typer.Exit(ExitCode.FAILED)
