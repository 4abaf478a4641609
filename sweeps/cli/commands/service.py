"""The service and its tokens: serve, token."""

import socket
from typing import Annotated, Any

import typer

from golf.errors import InputError
from jobs.state import Scope
from sweeps.cli.app import (
    HOME,
    Application,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    app,
    open_to_read,
    print_json,
)
from sweeps.cli.help import Group
from sweeps.text.terminal import Terminal

tokens = Application(cls=Group, rich_markup_mode=None)
app.add_typer(tokens, name="token")
GRACE_SECONDS = 5
"""For requests that are being answered when the service is told to end; streams end at once."""
DAYS = 90.0
"""Until a token expires, unless told otherwise."""


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")
    ] = 8080,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="HOST", help="A host name under which it is reached, e.g. that of a proxy."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let anybody read without a token; writing needs one.")
    ] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
) -> None:
    """Serve sweeps and leaderboard over HTTP.

    It runs no jobs: whoever runs sweeps on the same database may come and go. Every request needs a token, which
    golfsweep token create makes.

    Example: golfsweep serve --port 8080
    """
    import uvicorn

    from jobs.workplace import Workplace
    from sweeps.web.app import make_app
    from sweeps.web.service import Service

    place = Workplace.open(home, db, files)
    service = Service(place=place, host=host, port=port, names=names or (), public=public)
    if not service.is_local and not any(token.revoked is None for token in place.store.tokens()):
        raise InputError(f"--host {host}: others can reach it, and there is no token yet; golfsweep token create")
    listening = _listen(host, port)
    shown, port = f"[{host}]" if ":" in host else host, listening.getsockname()[1]
    Terminal(stderr=True).print_line(f"Serving {home} at http://{shown}:{port}/api/v1; Ctrl-C stops it.")
    config = uvicorn.Config(
        make_app(service), log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; uvicorn's own would end the process with a line of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--host {host} --port {port}: {reason}; choose another address or port") from None


@tokens.callback(invoke_without_command=True)
def token(context: typer.Context) -> None:
    """Make, list and revoke tokens of the service.

    A token stands for a person or an agent; the service says in every record of what was done whose it was.

    Example: golfsweep token create --scope read
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@tokens.command("create")
def create(
    scope: Annotated[
        Scope, typer.Option("--scope", metavar="SCOPE", help="One of read, submit, admin; each includes those before.")
    ],
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="In whose name it acts; by default yours.")
    ] = None,
    days: Annotated[
        float, typer.Option("--expires", metavar="DAYS", min=0, help="Days until it expires; 0: never.")
    ] = DAYS,
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a token and print it, this once: the database has its digest alone.

    Example: golfsweep token create --scope read --owner anna
    """
    from jobs.workplace import Workplace

    name = _checked_owner(owner)
    store = Workplace.open(home, db).store
    made = store.create_token(scope, store.user if name is None else name, days or None)
    if json_:
        return print_json(_describe(made.record) | {"token": made.text})
    print(made.text)


@tokens.command("list")
def list_(home: HomeOption = HOME, db: DbOption = None, json_: JsonOption = False) -> None:
    """List all tokens: whose, for what, until when, and when last used.

    Example: golfsweep token list
    """
    records = open_to_read(home, db, None).store.tokens()
    if json_:
        return print_json({"tokens": [_describe(record) for record in records]})
    console = Terminal()
    if not records:
        console.print_line("No tokens yet; golfsweep token create makes one.")
    for record in records:
        facts = _describe(record)
        console.print_line(f"{record.id}  {record.scope:6}  {record.owner}  {facts['state']}")


@tokens.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="ID", help="The token's id, or its start.")],
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Take a token back: the next request with it is refused.

    Example: golfsweep token revoke 3fa9c1d0
    """
    from jobs.workplace import Workplace

    open_to_read(home, db, None)  # a home that does not exist is not made for this
    record = Workplace.open(home, db).store.revoke_token(name)
    if json_:
        return print_json(_describe(record))
    Terminal().print_line(f"Revoked token {record.id} of {record.owner}.")


def _checked_owner(owner: str | None) -> str | None:
    if owner is not None and not (owner.isprintable() and 0 < len(owner.strip()) <= 80):
        raise InputError("--owner: expected a name of up to 80 characters that all show")
    return owner


def _describe(record: Any) -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import UTC, datetime

    def moment(time: float | None) -> str | None:
        return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")

    times = {name: moment(getattr(record, name)) for name in ("created", "expires", "revoked", "used")}
    if record.revoked is not None:
        state = f"revoked {times['revoked']}"
    else:
        until = "never expires" if record.expires is None else f"expires {times['expires']}"
        state = f"{until}, {'never used' if record.used is None else 'used ' + str(times['used'])}"
    return asdict(record) | times | {"state": state}
