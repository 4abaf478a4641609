"""Asking before something is lost: on a terminal only, since a script has nobody to answer."""

import sys

import typer

from sweeps.cli.errors import ExitCode
from sweeps.text.escaping import escape

YesOption = typer.Option("--yes", "-y", help="Do not ask.")


def ask_first(what: str, *, yes: bool) -> None:
    """Ask whether to do something that cannot be undone; ends the command with exit code 1 if the answer is no.

    Args:
        what: what is going to be done, as a question without its end.
        yes: whether the command line has answered already.
    """
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not typer.confirm(escape(f"{what}?"), err=True):
        print("Nothing was changed.", file=sys.stderr)
        raise typer.Exit(ExitCode.FAILED)
