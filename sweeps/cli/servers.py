"""Commands on the sweeps of a service: its address and token, and what goes with neither."""

import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import typer

from golf.errors import InputError
from golf.files import read_regular

TOKEN, TOKEN_FILE = "GOLFSWEEP_TOKEN", "GOLFSWEEP_TOKEN_FILE"
MOST_TOKEN_BYTES = 1000
ELSEWHERE = ("db", "files")
"""Options that say where a database and its contents are, which a service knows by itself."""


_context: ContextVar[typer.Context | None] = ContextVar("context of the command", default=None)
_chosen: ContextVar[str | None] = ContextVar("service of the command", default=None)


def note_context(context: typer.Context, server: str | None) -> str | None:
    """Callback of --server: where its value and those of other options came from is asked for later."""
    _context.set(context)
    return server


def choose_place(server: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Note the service that a command works on, if any; returns the options that it is to have otherwise.

    What is typed wins over what the environment has.

    Raises:
        InputError: a service and a database are both named.
    """
    _chosen.set(None)
    if server is None:
        return {}
    context = _context.get()
    given = [name for name in ELSEWHERE if options.get(name) is not None]
    typed = [name for name in ("server", *given) if _is_typed(context, name)]
    if "server" in typed or not given:
        if len(typed) > 1:
            raise InputError(f"--server with --{typed[1]}: the service knows where its own are; give one of them")
        _chosen.set(server)
        return {name: None for name in given}
    if not typed:
        names = " and ".join(f"GOLFSWEEP_{name.upper()}" for name in given)
        raise InputError(f"GOLFSWEEP_SERVER and {names} are set; unset one, or say with an option which is meant")
    return {}


def chosen_server() -> str | None:
    """The URL of the service that the current command works on; None where it works on a database."""
    return _chosen.get()


def open_server(home: Path, url: str) -> Any:
    """The store and contents of a service.

    Raises:
        InputError: it is no URL, or there is no token.
    """
    from jobs.remote.connection import ServerAddress
    from jobs.workplace import Workplace

    address = ServerAddress(url, read_token())
    if address.is_readable_on_the_way:
        print(f"golfsweep: {url}: without TLS the token can be read on the way; use https://", file=sys.stderr)
    return Workplace.at_server(home, address)


def read_token() -> str:
    """The token of the environment, or of the file that it names.

    Raises:
        InputError: there is none.
    """
    if text := os.environ.get(TOKEN, "").strip():
        return text
    if path := os.environ.get(TOKEN_FILE, "").strip():
        content = read_regular(Path(path), MOST_TOKEN_BYTES, "expected a file with a token")
        if text := content.decode(errors="replace").strip():
            return text
        raise InputError(f"{TOKEN_FILE} {path}: is empty; expected a token")
    raise InputError(f"--server: needs a token; put it into {TOKEN}, or its file's path into {TOKEN_FILE}")


def _is_typed(context: typer.Context | None, name: str) -> bool:
    source = None if context is None else context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
