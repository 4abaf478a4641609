"""Deleting files that nothing needs any more: gc."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, app, open_sweeps, print_json
from sweeps.cli.asking import YesOption, ask_first
from sweeps.text.terminal import Terminal


@app.command(needs_database=True)
def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete the files.")] = False,
    yes: Annotated[bool, YesOption] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Count files that nothing needs any more, or delete them.

    Without --delete nothing changes; with it, you are asked first. The file store must belong to this database
    alone. Files younger than an hour stay.

    Example: golfsweep gc --delete
    """
    from jobs.garbage import delete_garbage, find_garbage

    place, _ = open_sweeps(home, db, files, None, to_write=delete)
    garbage = find_garbage(place)
    if delete and garbage:
        size = sum(item.size for item in garbage)
        ask_first(f"Delete {len(garbage):,} files with {size:,} bytes", yes=yes)
        garbage = delete_garbage(place, garbage)
    reasons = _by_reason(garbage)
    total = {"count": len(garbage), "bytes": sum(item.size for item in garbage)}
    if json_:
        return print_json({"deleted": delete, **total, "reasons": reasons})
    console = Terminal()
    for group in reasons:
        line = f"{group['count']:>8,} {group['bytes']:>16,} bytes  {group['reason']}"
        console.print_line(line)
    done = "deleted" if delete else "can be deleted: golfsweep gc --delete"
    text = f"{total['count']:>8,} {total['bytes']:>16,} bytes  {done}" if garbage else "Nothing to delete."
    console.print_line(text)


def _by_reason(garbage: Sequence[Any]) -> list[dict[str, Any]]:
    reasons = dict.fromkeys(item.reason for item in garbage)
    groups = {reason: [item.size for item in garbage if item.reason == reason] for reason in reasons}
    return [{"reason": reason.value, "count": len(sizes), "bytes": sum(sizes)} for reason, sizes in groups.items()]
