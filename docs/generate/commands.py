"""The generated parts of docs/commands.md: the table of commands by purpose, and the help text of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sweeps.cli import app
from sweeps.cli.help import COMMON, GROUPS, summary

PAGE = Path(__file__).parents[1] / "commands.md"
WIDTH = 100
"""Columns of a help text in the page."""
HEADING = "Common options:"


def command_blocks() -> dict[str, str]:
    """The blocks of the page by name."""
    root: Any = typer.main.get_command(app)
    context = typer.Context(root, info_name="golfsweep", terminal_width=WIDTH)
    return {
        "commands by purpose": "\n".join(_purposes(root)),
        "common options": "\n".join(_common_options(root, context)),
        "help of each command": "\n\n".join(_sections(root, context)),
    }


def _purposes(root: Any) -> Iterator[str]:
    yield "| purpose | command | |"
    yield "|---|---|---|"
    for purpose, names in GROUPS.items():
        for name in names:
            first = purpose if name == names[0] else ""
            yield f"| {first} | [`{name}`](#golfsweep-{name}) | {summary(root.commands[name].help)} |"


def _common_options(root: Any, context: typer.Context) -> Iterator[str]:
    """Every common option with its meaning; commands take those that make sense for them."""
    yield "| option | meaning |"
    yield "|---|---|"
    meanings: dict[str, tuple[str, str]] = {}
    for command in root.commands.values():
        for parameter in command.get_params(context):
            for name in set(parameter.opts) & set(COMMON):
                if (record := parameter.get_help_record(context)) is not None:
                    meanings.setdefault(name, record)
    for name in COMMON:
        option, meaning = meanings[name]
        yield f"| `{option.replace('|', chr(92) + '|')}` | {meaning.replace('|', chr(92) + '|')} |"


def _sections(group: Any, context: typer.Context) -> Iterator[str]:
    """Heading and help text of each command, and of the commands of a group below it."""
    names = (
        [name for names in GROUPS.values() for name in names] if group.name == "golfsweep" else sorted(group.commands)
    )
    for name in names:
        command = group.commands[name]
        inner = typer.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
        own, _, common = command.get_help(inner).partition(HEADING)
        level = "#" * (2 + inner.command_path.count(" "))
        yield f"{level} {inner.command_path}"
        yield f"```text\n{own.strip()}\n```"
        if options := [name for name in COMMON if f" {name}" in common]:
            yield "Common options: " + ", ".join(f"`{name}`" for name in options) + "."
        if hasattr(command, "commands"):
            yield from _sections(command, inner)
