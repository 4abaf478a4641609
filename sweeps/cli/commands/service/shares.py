"""Share links: share."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from golf.errors import InputError, shown
from sweeps.cli.app import (
    HOME,
    DbOption,
    HomeOption,
    JsonOption,
    app,
    complete_sweep,
    given,
    print_json,
)
from sweeps.cli.commands.service.moments import show_moments
from sweeps.cli.commands.service.stores import reading_store, writing_store
from sweeps.text.terminal import Terminal

_DURATION = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]+)?)(?P<unit>[dh]?)")
HOURS = 24
"""Of a day."""


@app.command()
def share(
    sweep: Annotated[
        str | None, typer.Argument(metavar="SWEEP", help="The sweep that is shown.", autocompletion=complete_sweep)
    ] = None,
    entry: Annotated[
        str | None, typer.Option("--entry", metavar="NAME", parser=given, help="Show one entry of it alone.")
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="How long the link works, e.g. 7d or 12h.")
    ] = "7d",
    listed: Annotated[bool, typer.Option("--list", help="List all links instead.")] = False,
    revoked: Annotated[
        str | None, typer.Option("--revoke", metavar="ID", parser=given, help="Take a link back instead.")
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a read-only link to a sweep or an entry, for people without a token.

    golfsweep serve shows it. The link is printed once: the database has its digest alone.

    Example: golfsweep share nightly --entry trial-20 --expires 7d
    """
    if [sweep is not None, listed, revoked is not None].count(True) != 1:
        raise InputError("share: expected one of SWEEP, --list and --revoke ID")
    if listed:
        with reading_store(home, db) as store:
            return _list(store.shares(), json_)
    with writing_store(home, db) as store:
        if revoked is not None:
            return _show_revoked(store.revoke_share(revoked), json_)
        made = store.create_share(sweep, entry, read_days(expires))
    link = _link_of(made.text)
    if json_:
        return print_json({"shares": [_describe(made.record)], "link": link})
    print(link)


def _show_revoked(record: Any, json_: bool) -> None:
    if json_:
        return print_json({"shares": [_describe(record)]})
    Terminal().print_line(f"Revoked link {record.id} to {_subject(record)}.")


def _list(records: Sequence[Any], json_: bool) -> None:
    if json_:
        return print_json({"shares": [_describe(record) for record in records]})
    console = Terminal()
    if not records:
        console.print_line("No links yet; golfsweep share SWEEP makes one.")
    for record in records:
        console.print_line(f"{record.id}  {_subject(record)}  {record.owner}  {_describe(record)['state']}")


def read_days(text: str) -> float:
    """Days of a duration such as 7d, 12h or 7.

    Raises:
        InputError: it is none.
    """
    if (match := _DURATION.fullmatch(text.strip())) is None:
        raise InputError(f"--expires {shown(text)}: expected days or hours, e.g. 7d or 12h")
    return float(match["number"]) / (HOURS if match["unit"] == "h" else 1)


def _link_of(text: str) -> str:
    """A link; its path alone where no service is known."""
    from sweeps.cli.servers import chosen_server
    from sweeps.web.addresses import share_address

    return f"{(chosen_server() or '').rstrip('/')}{share_address(text)}"


def _subject(record: Any) -> str:
    return f"{record.sweep}/{record.entry}" if record.entry is not None else str(record.sweep)


def _describe(record: Any) -> dict[str, Any]:
    from dataclasses import asdict

    times = show_moments(record, ("created", "expires", "revoked", "used"))
    opened = "never opened" if record.used is None else f"opened {times['used']}"
    state = f"revoked {times['revoked']}" if record.revoked is not None else f"expires {times['expires']}, {opened}"
    return asdict(record) | times | {"state": state}
