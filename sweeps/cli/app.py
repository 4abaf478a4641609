"""What all commands share: the application, its options, and one line for whatever goes wrong.

Results go to stdout, with --json as one JSON document; progress and errors go to stderr. Exit 0: done; 1: the work
failed; 2: bad input; 130: interrupted.
"""

import errno
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import Diverged, InputError, OverTime

app = typer.Typer(
    name="golfsweep",
    help="Sweeps for train-in-ten-minutes contests: train, quantize, adapt at test time, compare, and stay legal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

HomeOption = Annotated[Path, typer.Option("--home", help="Folder of database, files, logs and reports.")]
DbOption = Annotated[
    str | None,
    # A URL with a password belongs into the environment: command lines are seen by everybody on the machine.
    typer.Option("--db", envvar="GOLFSWEEP_DB", help="Database URL instead of the one in --home."),
]
FilesOption = Annotated[
    str | None, typer.Option("--files", help="Folder or URL of the file store instead of --home's.")
]
RayOption = Annotated[str | None, typer.Option("--ray", help="Address of a running Ray cluster, HOST:PORT.")]
HereOption = Annotated[bool, typer.Option("--here", help="Run on this machine without Ray.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. eval.epochs=4.")
]
SweepArgument = Annotated[str | None, typer.Argument(help="Name of the sweep; the latest if left out.")]
HOME = Path(".golfsweep")


def main() -> None:
    """Run a command; every foreseeable error is one line on stderr."""
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends a container ends a command as Ctrl-C does
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    """Say what went wrong in one line; return the exit code."""
    if isinstance(error, InputError):
        return _fail(str(error), 2)
    if isinstance(error, Diverged | OverTime):
        return _fail(str(error), 1)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _fail(f"{error.filename or 'disk'}: no space left; free some and run the same command again", 2)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return _fail(f"{error.filename}: may not be written; choose another --home or --out", 2)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "format_message"):  # the command line itself was wrong
        return _fail(error.format_message(), 2)
    return _fail(f"{type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, code: int) -> int:
    print("golfsweep:", " ".join(message.split()), file=sys.stderr)
    return code


def open_sweeps(home: Path, db: str | None, files: str | None, name: str | None) -> tuple[Any, list[Any]]:
    """The home and its sweeps, or the one of a name."""
    from jobs.workplace import Workplace

    place = Workplace.open(home, db, files)
    sweeps = place.store.sweeps()
    if name is not None and name not in [sweep.name for sweep in sweeps]:
        known = ", ".join(sweep.name for sweep in sweeps) or "none yet"
        raise InputError(f'no sweep "{name}" in {home}; there are: {known}')
    return place, [sweep for sweep in sweeps if name in (None, sweep.name)]


def print_json(content: Any) -> None:
    """Print one JSON document, the whole of stdout."""
    print(json.dumps(content, indent=2, allow_nan=False, default=str))


def command_line() -> str:
    """The command as it was typed, but for passwords in URLs."""
    return re.sub(r"(://[^\s:/@]+):[^\s@]+@", r"\1:***@", " ".join(["golfsweep", *sys.argv[1:]]))
