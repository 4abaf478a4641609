"""What went wrong, for people and for programs: the exit code, a line on stderr, and with --json a document on stdout.

docs/commands.md lists the exit codes and the form of the document.
"""

import errno
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

from golf.errors import Diverged, InputError, OverTime, TooLarge
from jobs.errors import CLOSED, NO_SPACE, AlreadyDriven, LostLease
from jobs.machine import stopping
from jobs.secrets import hide_passwords
from sweeps.text.escaping import escape


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    """The work failed, or what was judged did not pass."""
    BAD_INPUT = 2
    """Do not retry: the same command fails in the same way."""
    TRANSIENT = 3
    """A database, file store or cluster is unavailable, slow or full: the same command may succeed later."""
    HUNG_UP = 129
    """Stopped by SIGHUP: its terminal or connection was closed."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    TERMINATED = 143
    """Stopped by SIGTERM: whoever runs the container, or the machine, ended it."""


_WRONG_PATHS = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EROFS, errno.EILSEQ)
"""Errors of a path that no second try mends."""


class Interrupted(Exception):
    """The user, or whoever ends the container, stopped the command; the message says how to continue."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.code = ExitCode(128 + stopping.stopped_by())
        is_key = self.code == ExitCode.INTERRUPTED
        self.error = "interrupted" if is_key else f"Stopped by {stopping.stopped_by().name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a command ended early."""

    code: ExitCode
    error: str
    """What is wrong; several problems of one file have a line each."""
    hint: str = ""
    """What would be right, or the command that helps."""
    lines: tuple[str, ...] = ()
    """Error and hint for people, a line for each problem; both in one line where left out."""


def explain(error: Exception) -> Problem:
    """Map an exception, of whatever package, to what a user sees of it."""
    if isinstance(error, InputError):
        # A driver that has died leaves its lease for half a minute: who starts it again elsewhere has to retry.
        code = ExitCode.TRANSIENT if isinstance(error, AlreadyDriven) else ExitCode.BAD_INPUT
        return Problem(code=code, error=error.error, hint=error.hint, lines=error.problems)
    if isinstance(error, Diverged | OverTime | TooLarge | LostLease):
        return Problem(code=ExitCode.FAILED, error=str(error))
    if isinstance(error, Interrupted):
        return Problem(code=error.code, error=error.error, hint=str(error))
    if isinstance(error, UnicodeEncodeError):  # a word of the command line, which no database takes
        problem = f"{ascii(error.object)[:80]}: not UTF-8"
        return Problem(code=ExitCode.BAD_INPUT, error=problem, hint="expected text in UTF-8")
    if isinstance(error, OSError):
        return _explain_system_error(error)
    if hasattr(error, "format_message"):
        return _explain_usage_error(error)
    return _explain_bug(error)


def report(problem: Problem, *, as_json: bool) -> None:
    """Print a problem: on stderr for people, and as the one document on stdout for programs."""
    whole = f"{problem.error}; {problem.hint}" if problem.hint else problem.error
    for line in problem.lines or (whole,):
        print("golfsweep:", escape(" ".join(hide_given(line).split())), file=sys.stderr)
    if as_json:
        error, hint = hide_given(problem.error), hide_given(problem.hint)
        with suppress(OSError):  # stdout may have no room, which stderr has just reported
            print(json.dumps({"error": error, "hint": hint, "code": problem.code}, indent=2))


def hide_given(text: str) -> str:
    """A text without the passwords of URLs, whether in the command line, the environment or a message of a library."""
    return hide_passwords(text, [*sys.argv[1:], os.environ.get("GOLFSWEEP_DB", "")])


def _explain_system_error(error: OSError) -> Problem:
    if error.errno in NO_SPACE:
        where = error.filename or "disk"
        hint = "free some space and run the same command again"
        return Problem(code=ExitCode.TRANSIENT, error=f"{where}: no space left", hint=hint)
    if error.errno in CLOSED:
        hint = "change its permissions, or choose another --home or --out"
        return Problem(code=ExitCode.BAD_INPUT, error=f"{error.filename}: permission denied", hint=hint)
    if error.errno in _WRONG_PATHS and error.filename is not None:
        shown = str(error.filename)
        shown = shown if len(shown) <= 100 else f"{shown[:99]}…"
        return Problem(code=ExitCode.BAD_INPUT, error=f"{shown}: {error.strerror}", hint="name another file or folder")
    if isinstance(error, ConnectionError):
        return Problem(
            code=ExitCode.TRANSIENT, error=str(error), hint="check that it runs, then run the same command again"
        )
    return _explain_bug(error)


def _explain_usage_error(error: Exception) -> Problem:
    """The command line itself is wrong: typer's message, and the nearest name or where the names are listed."""
    context = getattr(error, "ctx", None)
    command = "golfsweep" if context is None else context.command_path
    message, _, suggestion = str(getattr(error, "message", "")).partition(" Did you mean ")
    if near := getattr(error, "possibilities", None):
        suggestion = f"{near[0]}?"
    elif not suggestion:
        message = error.format_message()  # type: ignore[attr-defined]
    hint = f"did you mean {suggestion}" if suggestion else f"{command} --help lists what it takes"
    return Problem(code=ExitCode.BAD_INPUT, error=message.rstrip("."), hint=hint)


def _explain_bug(error: Exception) -> Problem:
    return Problem(code=ExitCode.FAILED, error=f"{type(error).__name__}: {error}", hint="--debug shows where")
