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
    """Three commands that work right there; what a claim needs next is the verdict's own advice."""
    from sweeps.entries.names import EntryName, command_name
    from sweeps.entries.reading import board_of
    from sweeps.views.verdicts.read_verdict import read_verdict

    place, where = open_to_read(home, None, None), "" if home == HOME else f"--home {shlex.quote(str(home))}"
    verdict = read_verdict(NAME, board_of(NAME, place).table(), place, where)
    if verdict.leader is None:
        return []
    leader = command_name(EntryName(sweep=NAME, name=verdict.leader))
    first, numbers, last = (
        f"golfsweep {words} {where}".rstrip()
        for words in (f"open {NAME}", f"leaderboard {NAME} --long", f"show {leader}")
    )
    program, commands = _program(), [first, verdict.next.command or numbers, last]
    return ["", "Try next", *(f"  {program}{command.removeprefix('golfsweep')}" for command in commands)]


def _program() -> str:
    """How golfsweep is called here: by its path where a shell would not find it."""
    started = Path(sys.argv[0])
    on_path = shutil.which("golfsweep")
    if started.name != "golfsweep" or (on_path is not None and Path(on_path).resolve() == started.resolve()):
        return "golfsweep"
    return os.path.relpath(started)
