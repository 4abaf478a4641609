"""What all commands share: the application, its common options, and how a command ends.

Results go to stdout, with --json as one JSON document; progress and errors go to stderr. docs/commands.md describes
exit codes and documents.
"""

import functools
import inspect
import json
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.registry import DEFAULT_EXECUTOR, EXECUTORS
from golf.errors import InputError, shown_name
from jobs.machine.stopping import stop_on_signals
from jobs.secrets import hide_password
from sweeps.cli.errors import ExitCode, Interrupted, explain, hide_given, report
from sweeps.cli.help import Command, Root, width
from sweeps.cli.servers import choose_place, chosen_server, note_context, open_server
from sweeps.text.escaping import escape_lines
from sweeps.text.terminal import ColorChoice, choose_color, prepare_streams


@dataclass(slots=True)
class Switches:
    """What options that every command takes have turned on."""

    debug: bool = False


def _show_tracebacks(context: typer.Context, value: bool) -> None:
    if value:
        context.obj.debug = True


def _choose_color(value: ColorChoice) -> None:
    choose_color(value)


def _show_version(value: bool) -> None:
    if value:
        print("golfsweep", version("golfsweep"))
        raise typer.Exit


def complete_sweep(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the sweeps in --home that begin so; none where they cannot be read."""
    home = Path(context.params.get("home") or HOME)
    if not home.exists():
        return []
    try:
        place, sweeps = open_sweeps(home, context.params.get("db"), context.params.get("files"), None)
        place.store.close()
    except Exception:  # a shell that completes a word has no place for errors
        return []
    return [sweep.name for sweep in sweeps if sweep.name.startswith(incomplete)]


def given(text: str) -> str:
    """The value of an option that must not be empty: an empty one is a variable of a script that was never set."""
    if not text.strip():
        raise typer.BadParameter("it is empty; give a value, or leave the option out")
    return text


def given_folder(text: str | Path) -> Path:
    """A folder's path that must not be empty; the option's default is one already."""
    return text if isinstance(text, Path) else Path(given(text))


# Environment variables count where the option is not given; an empty one counts as not set.
HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        metavar="DIR",
        envvar="GOLFSWEEP_HOME",
        parser=given_folder,
        help="Folder of database, files, logs and reports.",
    ),
]
DbOption = Annotated[
    str | None,
    # Everybody on a machine can read command lines: a URL with a password belongs in the environment.
    typer.Option(
        "--db",
        metavar="URL",
        envvar="GOLFSWEEP_DB",
        parser=given,
        help="Database at this URL instead of the one in --home.",
    ),
]
FilesOption = Annotated[
    str | None,
    typer.Option(
        "--files",
        metavar="DIR|URL",
        envvar="GOLFSWEEP_FILES",
        parser=given,
        help="File store at this place instead of the one in --home.",
    ),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="GOLFSWEEP_SERVER",
        parser=given,
        callback=note_context,
        help="Work on the sweeps of the service at this URL; its token is in GOLFSWEEP_TOKEN or GOLFSWEEP_TOKEN_FILE.",
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="HOST:PORT",
        envvar="GOLFSWEEP_RAY",
        parser=given,
        help="Use the Ray cluster at this address; short for --executor ray:HOST:PORT.",
    ),
]
HereOption = Annotated[bool, typer.Option("--here", help="Run here, without Ray; short for --executor local.")]
_KINDS = "; ".join(f"{name} ({kind.summary})" for name, kind in EXECUTORS.items())
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME[:ADDRESS]",
        help=f"Where jobs run, by default {DEFAULT_EXECUTOR}: {_KINDS}.",
    ),
]
AgentOption = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="NAME",
        envvar="GOLFSWEEP_AGENT",
        help="The AI agent that runs it, recorded with its tries; by default a person.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
BriefOption = Annotated[
    bool, typer.Option("--brief", help="Print one JSON document in short, on one line of at most 2 kB.")
]
DebugOption = Annotated[
    bool, typer.Option("--debug", callback=_show_tracebacks, help="Show the traceback of an error.")
]
ColorOption = Annotated[
    ColorChoice,
    typer.Option("--color", metavar="WHEN", callback=_choose_color, help="Colors: auto, always or never."),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. eval.epochs=4.")
]


def _complete_contest(incomplete: str) -> list[str]:
    from sweeps.contests.catalog import list_contests

    return [name for name in list_contests() if name.startswith(incomplete)]


BoardContestOption = Annotated[
    str | None,
    typer.Option(
        "--contest",
        metavar="NAME",
        parser=given,
        help="The contest, by default that of the sweep; docs/contests.md lists them.",
        autocompletion=_complete_contest,
    ),
]
ContestOption = Annotated[
    str | None,
    typer.Option(
        "--contest",
        metavar="NAME",
        parser=given,
        help="The contest, by default parameter-golf; docs/contests.md lists them.",
        autocompletion=_complete_contest,
    ),
]
SweepArgument = Annotated[
    str | None,
    typer.Argument(metavar="SWEEP", help="Name of the sweep; by default the latest.", autocompletion=complete_sweep),
]
HOME = Path(".golfsweep")


class Application(typer.Typer):
    """A typer application whose commands take --color and --debug and are listed with whole sentences."""

    def command(
        self, name: str | None = None, *, needs_database: bool = False, **settings: Any
    ) -> Callable[[Any], Any]:
        """Register a function as a command; one with --db takes --server, too, unless it needs the database itself."""
        register = super().command(name, cls=Command, **settings)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            register(_as_command(function, needs_database))
            return function

        return decorate


def _as_command(function: Callable[..., Any], needs_database: bool) -> Callable[..., Any]:
    """The function with options whose callbacks do their work, and with what stops it as an error."""

    @functools.wraps(function)
    def run(
        *args: Any,
        debug: bool = False,
        color: ColorChoice = ColorChoice.AUTO,
        server: str | None = None,
        **options: Any,
    ) -> Any:
        try:
            return function(*args, **(options | choose_place(server, options)))
        except KeyboardInterrupt:
            raise Interrupted("run the same command again") from None

    signature = inspect.signature(function, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared: dict[str, tuple[Any, Any]] = {"color": (ColorChoice.AUTO, ColorOption), "debug": (False, DebugOption)}
    if "db" in signature.parameters and not needs_database:
        shared["server"] = (None, ServerOption)
    added = [
        inspect.Parameter(name, keyword, default=default, annotation=kind) for name, (default, kind) in shared.items()
    ]
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    run.__annotations__ = {**function.__annotations__, **{name: kind for name, (_, kind) in shared.items()}}
    return run


app = Application(
    name="golfsweep",
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def golfsweep(
    context: typer.Context,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Sweeps for train-in-ten-minutes contests: train, quantize, search test-time training, compare, and stay legal.

    Example: golfsweep run examples/demo.toml
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command that was typed, and end with its exit code."""
    stop_on_signals()
    prepare_streams()
    code: int = ExitCode.DONE
    try:
        code = run_command()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone; the interpreter must not fail to flush it once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    except OSError as error:  # what we print has no room
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == ExitCode.DONE:  # or the command has failed of it, and said so
            problem = explain(error)
            report(problem, as_json=False)
            code = problem.code
    sys.exit(code)


def run_command() -> int:
    """Run the command that was typed; whatever goes wrong is reported in the same way. Returns the exit code."""
    switches = Switches()
    try:
        code = app(standalone_mode=False, prog_name="golfsweep", obj=switches, terminal_width=width())
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in (error, error.__cause__)):  # typer wraps it sometimes
            error = Interrupted("run the same command again")
        if switches.debug:
            print(escape_lines(hide_given(traceback.format_exc())), end="", file=sys.stderr)
        assert isinstance(error, Exception)
        problem = explain(error)
        # A command line that cannot be parsed has no options yet, so --json and --brief are looked for among its words.
        report(problem, as_json=bool({"--json", "--brief"} & set(sys.argv)))
        return problem.code
    return code if isinstance(code, int) else ExitCode.DONE


def open_to_read(home: Path, db: str | None, files: str | None) -> Any:
    """The home of a command that only looks: nothing is made, and permission to write is not needed.

    The home of the current directory counts as empty until something is run in it.

    Raises:
        InputError: a home or database that was named does not exist, or cannot be read.
    """
    from jobs.workplace import Workplace

    if (server := chosen_server()) is not None:
        return open_server(home, server)
    if db is None and home == HOME and not home.exists():
        return Workplace.empty(home)
    return Workplace.open_to_read(home, db, files)


def open_to_write(home: Path, db: str | None, files: str | None) -> Any:
    """The home of a command that changes something; what is missing of it is made.

    Raises:
        InputError: it cannot be used.
        StoreUnavailable: the database's server does not answer.
    """
    from jobs.workplace import Workplace

    server = chosen_server()
    return Workplace.open(home, db, files) if server is None else open_server(home, server)


def open_sweeps(
    home: Path, db: str | None, files: str | None, name: str | None, *, to_write: bool = False, submitted: bool = False
) -> tuple[Any, list[Any]]:
    """The home and its sweeps, or only the sweep of that name; with `submitted`, those that nobody has begun, too.

    Raises:
        InputError: there is no such home or sweep.
    """
    place = open_to_read(home, db, files)
    sweeps = place.store.sweeps()
    if submitted:
        from sweeps.views.submissions import listed_sweeps

        sweeps = listed_sweeps(place.store)
    if name is not None and name not in [sweep.name for sweep in sweeps]:
        known = ", ".join(sweep.name for sweep in sweeps) or "none yet"
        raise InputError(f'no sweep "{shown_name(name)}" in {place.server or home}; there are: {known}')
    if to_write and place.server is None:
        place.store.close()
        place = open_to_write(home, db, files)
    return place, [sweep for sweep in sweeps if name in (None, sweep.name)]


def print_json(content: Any) -> None:
    """Print one JSON document, the whole of stdout."""
    print(json.dumps(content, indent=2, allow_nan=False, default=str))


def print_brief(content: Any) -> None:
    """Print one JSON document on one line, the whole of stdout."""
    from sweeps.views.brief.fitting import to_line

    print(to_line(content))


def typed_home(context: typer.Context) -> str:
    """The options that were typed to reach the home, for the commands that are suggested next; without passwords."""
    typed = [
        (name, str(context.params[name]))
        for name in ("home", "db", "files", "server")
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    ]
    return " ".join(f"--{name} {shlex.quote(hide_password(value))}" for name, value in typed)


def command_line() -> str:
    """The command as it was typed, without passwords in URLs."""
    return " ".join(["golfsweep", *map(hide_password, sys.argv[1:])])
