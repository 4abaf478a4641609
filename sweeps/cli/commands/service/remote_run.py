"""`run FILE --server`: the sweep is handed over to the service and followed to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.cli.app import command_line, print_brief, print_json
from sweeps.cli.commands.run import document, explain_end, show
from sweeps.cli.errors import ExitCode, Interrupted
from sweeps.text.terminal import Terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteRun:
    """What the command line says of it."""

    file: Path
    assignments: Sequence[str]
    tags: Sequence[str]
    agent: str | None
    place: Workplace
    """At the service."""
    json: bool
    home_options: str
    detach: bool = False
    """Whether it is not followed."""


def run_at_service(wanted: RemoteRun, *, refused: Sequence[str]) -> None:
    """Hand a sweep over, follow it unless that is not wanted, and end as `run` does.

    Args:
        wanted: what the command line says.
        refused: options that were given and say what the service decides.

    Raises:
        InputError: there are such options, the file is wrong, or the service refuses it.
    """
    from sweeps.run.service.handing_over import follow, hand_over
    from sweeps.spec.file import load_sweep
    from sweeps.views.read_usage import read_usage
    from sweeps.views.terminal.progress import LiveProgress

    if refused:
        raise InputError(
            f"{refused[0]} with --server: the token says whose it is, the service's workers run it; omit it"
        )
    spec, place, console = load_sweep(wanted.file, wanted.assignments), wanted.place, Terminal(stderr=True)
    try:
        handed = hand_over(spec, wanted.file, wanted.assignments, place, tags=wanted.tags, agent=wanted.agent)
        if wanted.detach:
            return _print_ticket(handed, wanted)
        with LiveProgress(console, usage=lambda: read_usage(spec.name, place.store), name=spec.name) as progress:
            end = follow(handed, place, progress.show, console.print_line)
    except KeyboardInterrupt:
        stopped = Interrupted(f"the sweep goes on if the service has it; follow it again with: {command_line()}")
        if not wanted.json or place.store.sweep(spec.name) is None:
            raise stopped from None
        console.print_line(f"{stopped.error[0].upper()}{stopped.error[1:]}; {stopped}")
        print_json(document(spec.name, place, stopped.code))
        raise typer.Exit(stopped.code) from None
    code = ExitCode.FAILED if end.failures or end.blocked or end.ended else ExitCode.DONE
    show(spec.name, place, code, wanted.json, wanted.home_options)
    for line in explain_end(spec.name, end):
        console.print_line(line)
    if code:
        raise typer.Exit(code)


def _print_ticket(handed: Any, wanted: RemoteRun) -> None:
    """Say which submission it is, and how to wait for its sweep."""
    from sweeps.agents.starting import wait_command

    ticket = {
        "ticket": handed.ticket,
        "sweep": handed.sweep,
        "version": handed.version,
        "state": handed.state,
        "server": wanted.place.server,
        "wait": f"{wait_command(handed.sweep)} {wanted.home_options}".rstrip(),
    }
    if wanted.json:
        return print_brief(ticket)
    console = Terminal()
    console.print_line(f"{handed.sweep}, version {handed.version}: {handed.state} (ticket {handed.ticket})")
    console.print_line(f"Wait for it with: {ticket['wait']}")
