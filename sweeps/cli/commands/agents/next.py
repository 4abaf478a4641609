"""Keep, discard or replicate: next."""

import typer

from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    print_brief,
    typed_home,
)
from sweeps.cli.commands.results import open_entries
from sweeps.text.terminal import Terminal


@app.command("next")
def next_(
    context: typer.Context,
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Say which entries to keep, discard or replicate, and the next step.

    The p-value counts all settings that anybody in this home tried on the same validation set. A flagged entry is
    never offered. The step has its command and its price.

    Example: golfsweep next demo
    """
    from sweeps.views.decisions.next_document import describe_next, list_lines

    place, _ = open_entries(home, db, files, name)
    document = describe_next(name, place, typed_home(context))
    if json_:
        return print_brief(document)
    for line in list_lines(document):
        Terminal().print_line(line)
