"""Removing files that nothing needs any more: gc."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, print_json


@app.command()
def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; without it they are only counted.")] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Count the files that nothing needs any more, or delete them.

    The file store must belong to this database alone. Files younger than an hour are left alone.

    Example: golfsweep gc --delete
    """
    from jobs.garbage import delete_garbage, find_garbage
    from jobs.workplace import Workplace

    place = Workplace.open(home, db, files)
    found = find_garbage(place)
    if delete:
        found = delete_garbage(place, found)
    reasons = _by_reason(found)
    total = {"count": len(found), "bytes": sum(item.size for item in found)}
    if json_:
        return print_json({"deleted": delete, **total, "reasons": reasons})
    console = Console()
    for one in reasons:
        console.print(f"{one['count']:>8,} {one['bytes']:>16,} bytes  {one['reason']}", highlight=False, soft_wrap=True)
    done = "deleted" if delete else "can be deleted: golfsweep gc --delete"
    text = f"{total['count']:>8,} {total['bytes']:>16,} bytes  {done}" if found else "Nothing to delete."
    console.print(text, highlight=False, soft_wrap=True)


def _by_reason(found: Sequence[Any]) -> list[dict[str, Any]]:
    reasons = dict.fromkeys(item.reason for item in found)
    groups = {reason: [item.size for item in found if item.reason == reason] for reason in reasons}
    return [{"reason": reason.value, "count": len(sizes), "bytes": sum(sizes)} for reason, sizes in groups.items()]
