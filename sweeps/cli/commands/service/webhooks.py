"""Webhooks of the service: webhook add, webhook list, webhook remove, webhook test."""

import getpass
import sys
from typing import Annotated, Any

import typer

from jobs.state import NoticeKind, WebhookForm
from sweeps.cli.app import (
    HOME,
    Application,
    DbOption,
    HomeOption,
    JsonOption,
    app,
    print_json,
)
from sweeps.cli.asking import YesOption, ask_first
from sweeps.cli.commands.service.moments import show_moment, show_moments
from sweeps.cli.commands.service.stores import reading_store, writing_store
from sweeps.cli.help import Group
from sweeps.text.terminal import Terminal

webhooks = Application(cls=Group, rich_markup_mode=None)
app.add_typer(webhooks, name="webhook")
KINDS = [kind.value for kind in NoticeKind if kind != NoticeKind.TEST]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, or its start.")]
MOST_URL_CHARACTERS = 4096
"""That are read; longer ones are refused."""


@webhooks.callback(invoke_without_command=True)
def webhook(context: typer.Context) -> None:
    """Send notices to Discord, Slack or any address.

    golfsweep serve sends them: new bests, leaks, failures, idle nodes, budgets, verdicts, records.

    Example: golfsweep webhook list
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@webhooks.command("add")
def add(
    form: Annotated[
        WebhookForm, typer.Option("--form", metavar="FORM", help="One of discord, slack, generic (signed JSON).")
    ],
    kinds: Annotated[
        list[NoticeKind] | None,
        typer.Option("--kind", metavar="KIND", help=f"What is reported, by default everything: {', '.join(KINDS)}."),
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Send notices to an address, which is read from stdin: whoever has it can write there.

    For the form generic it prints the secret of the signatures, this once.

    Example: golfsweep webhook add --form slack --kind budget < url.txt
    """
    with writing_store(home, db) as store:
        made = store.add_webhook(form, _read_url(), kinds or [])
    if json_:
        return print_json(_describe(made.record) | {"secret": made.secret})
    console = Terminal()
    console.print_line(f"Added webhook {made.record.id} to {made.record.host}; golfsweep webhook test {made.record.id}")
    if made.secret:
        console.print_line(f"Secret of its signatures, shown this once: {made.secret}")


@webhooks.command("list")
def list_(home: HomeOption = HOME, db: DbOption = None, json_: JsonOption = False) -> None:
    """List all webhooks: where they lead, and whether notices arrive.

    Example: golfsweep webhook list
    """
    with reading_store(home, db) as store:
        records = store.webhooks()
    if json_:
        return print_json({"webhooks": [_describe(record) for record in records]})
    console = Terminal()
    if not records:
        console.print_line("No webhooks yet; golfsweep webhook add makes one.")
    for record in records:
        facts = _describe(record)
        where = f"{record.host}/…{record.ending}"
        console.print_line(
            f"{record.id}  {record.form:7}  {where}  {', '.join(record.kinds) or 'all'}  {facts['state']}"
        )


@webhooks.command("remove")
def remove(
    name: IdArgument, yes: Annotated[bool, YesOption] = False, home: HomeOption = HOME, db: DbOption = None,
    json_: JsonOption = False,
) -> None:  # fmt: skip
    """Send nothing more to an address, not what waits either.

    Example: golfsweep webhook remove 3fa9c1d0
    """
    ask_first(f"Remove webhook {name}", yes=yes)
    with writing_store(home, db) as store:
        record = store.remove_webhook(name)
    if json_:
        return print_json(_describe(record))
    Terminal().print_line(f"Removed webhook {record.id} to {record.host}.")


@webhooks.command("test")
def test(name: IdArgument, home: HomeOption = HOME, db: DbOption = None, json_: JsonOption = False) -> None:
    """Have a webhook send a test notice at once; golfsweep webhook list shows whether it arrived.

    Example: golfsweep webhook test 3fa9c1d0
    """
    with writing_store(home, db) as store:
        record = store.test_webhook(name)
    if json_:
        return print_json(_describe(record))
    Terminal().print_line(f"A running golfsweep serve sends it to {record.host}; see golfsweep webhook list.")


def _read_url() -> str:
    """The address, from stdin, or typed without being shown."""
    if sys.stdin.isatty():
        return getpass.getpass("Address of the webhook: ").strip()
    return sys.stdin.read(MOST_URL_CHARACTERS).strip()


def _describe(record: Any) -> dict[str, Any]:
    from dataclasses import asdict

    times = show_moments(record, ("created", "next_try", "last_sent"))
    if record.error is not None:
        state = f"failing: {record.error}"
        state += f", tried again {times['next_try']}" if record.waiting and record.next_try is not None else ""
    else:
        state = "nothing sent yet" if record.last_sent is None else f"last sent {show_moment(record.last_sent)}"
    counts = [f"{record.delivered} delivered"]
    counts += [f"{record.waiting} waiting"] if record.waiting else []
    counts += [f"{record.given_up} given up"] if record.given_up else []
    return asdict(record) | times | {"kinds": list(record.kinds), "state": f"{state} ({', '.join(counts)})"}
