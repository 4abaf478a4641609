"""The bundled example: demo."""

import os
import shlex
import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path

import typer

from sweeps.cli.app import HOME, HomeOption, JsonOption, app, open_to_read
from sweeps.cli.commands.run import run
from sweeps.text.terminal import Terminal

NAME = "demo"
"""Of the bundled sweep."""


@app.command()
def demo(context: typer.Context, home: HomeOption = HOME, json_: JsonOption = False) -> None:
    """Run the bundled example: a whole sweep on this machine, in about five minutes on two cores.

    It needs no GPU, no network and no other file, and writes only to --home. The same command resumes it.

    Example: golfsweep demo
    """
    with as_file(files("sweeps") / "bundled" / "demo.toml") as file:
        run(context, file, home=home, json_=json_)
    if not json_:
        for line in _list_next(home):
            Terminal().print_line(line)


def _list_next(home: Path) -> list[str]:
    """Three commands that work right there."""
    from sweeps.entries.facts import latest_sweep
    from sweeps.entries.names import EntryName, command_name
    from sweeps.entries.reading import board_of

    place = open_to_read(home, None, None)
    own = [row for row in board_of(NAME, place).table() if row["track"] == "legal" and row["sweep"] == NAME]
    entries, latest = [EntryName(sweep=NAME, name=row["name"]) for row in own], latest_sweep(place) or ""
    names = [command_name(entry, latest=latest) for entry in entries]
    if len(names) < 2:
        return []
    program, where = _program(), "" if home == HOME else f" --home {shlex.quote(str(home))}"
    return [
        "",
        "Try next",
        f"  {program} open {NAME}{where}",
        f"  {program} compare {names[0]} {names[1]}{where}",
        f"  {program} show {command_name(entries[0])}{where}",
    ]


def _program() -> str:
    """How golfsweep is called here: by its path where a shell would not find it."""
    started = Path(sys.argv[0])
    on_path = shutil.which("golfsweep")
    if started.name != "golfsweep" or (on_path is not None and Path(on_path).resolve() == started.resolve()):
        return "golfsweep"
    return os.path.relpath(started)
