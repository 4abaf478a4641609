"""Two rows side by side: compare."""

from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import (
    HOME,
    DbOption,
    DebugOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    print_json,
)
from sweeps.cli.results import open_entries


@app.command()
def compare(
    challenger: Annotated[str, typer.Argument(help="A row as SWEEP/ROW, ROW of the latest sweep, or a record.")],
    incumbent: Annotated[str, typer.Argument(help="The row that it is held against, likewise.")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare two rows: difference, tests, what differs in their recipes, how many seeds would settle it.

    Example: golfsweep compare "trial 20" lora-ttt
    """
    from sweeps.board import compare
    from sweeps.entries import reading
    from sweeps.views.report import report
    from sweeps.views.terminal import compare_text

    place, _ = open_entries(home, db, files, None)
    pair = reading.pair_of(challenger, incumbent, place)
    found, documents = compare.compare(pair), compare.document_differences(pair)
    path = report.write_comparison(found, documents, place)
    if json_:
        return print_json(found | {"report": str(path)})
    Console().print(compare_text.render(found, documents))
    Console().print(f"Plots: {path}", highlight=False, soft_wrap=True)
