"""Tokens of the service: token create, token list, token revoke."""

from typing import Annotated, Any

import typer

from golf.errors import InputError
from jobs.state import Scope
from sweeps.cli.app import HOME, Application, DbOption, HomeOption, JsonOption, app, open_to_read, print_json
from sweeps.cli.commands.service.moments import show_moments
from sweeps.cli.help import Group
from sweeps.text.terminal import Terminal

tokens = Application(cls=Group, rich_markup_mode=None)
app.add_typer(tokens, name="token")
DAYS = 90.0
"""Until a token expires, where --expires does not say."""


@tokens.callback(invoke_without_command=True)
def token(context: typer.Context) -> None:
    """Make, list and revoke tokens of the service.

    A token stands for a person or an agent; the service says in every record of what was done whose it was.

    Example: golfsweep token list
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@tokens.command("create", needs_database=True)
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


@tokens.command("revoke", needs_database=True)
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

    def minute(time: float) -> str:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")

    times = show_moments(record, ("created", "expires", "revoked", "used"))
    if record.revoked is not None:
        state = f"revoked {minute(record.revoked)}"
    else:
        until = "never expires" if record.expires is None else f"expires {minute(record.expires)}"
        state = f"{until}, {'never used' if record.used is None else 'last used ' + minute(record.used)}"
    return asdict(record) | times | {"state": state}
