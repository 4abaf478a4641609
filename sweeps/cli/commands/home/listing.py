"""The sweeps of a home, and their reports: ls, open."""

import os
import sys
import time
import webbrowser
from functools import partial
from pathlib import Path

from golf.errors import InputError
from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SweepArgument,
    app,
    print_json,
)
from sweeps.cli.commands.results import NO_SWEEPS, open_entries
from sweeps.cli.reports import write_if_allowed
from sweeps.text.terminal import Terminal


@app.command()
def ls(
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """List sweeps with their state, best entry, age and cost.

    Example: golfsweep ls
    """
    from sweeps.views.sweep_list import describe_sweeps, render_sweeps

    place, _ = open_entries(home, db, files, None)
    sweeps = describe_sweeps(place, time.time())
    if json_:
        return print_json({"sweeps": sweeps})
    if not sweeps:
        return Terminal().print_line(NO_SWEEPS)
    Terminal().print(render_sweeps(sweeps))


@app.command("open")
def open_(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Write the report of a sweep as it stands now, and open it in the browser.

    Where there is no browser, or with --json, it only says where the report is.

    Example: golfsweep open demo
    """
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.entries.facts import contest_of
    from sweeps.entries.lost import Lost
    from sweeps.entries.reading import board_of
    from sweeps.standings.reading import standings_of
    from sweeps.views.report import report, standings_report

    place, sweeps = open_entries(home, db, files, name)
    if not sweeps:
        raise InputError(f"{place.home.root}: there is no sweep to open; start one with golfsweep run FILE")
    record = sweeps[-1]
    lost = Lost()
    if (contest := contest_of(record)) != DEFAULT:
        standings = standings_of(contest_named(contest), place, lost)
        write = partial(standings_report.write, record.name, standings, place, lost)
    else:
        write = partial(report.write, record.name, board_of(record.name, place, lost), place, lost)
    path, where = write_if_allowed(write, place.home.root)
    if path is None and place.home.report(record.name).exists():  # somebody else's home, with a report of some day
        path = place.home.report(record.name)
        where = f"{path} (an earlier one: {place.home.root} may not be written to)"
    opened = path is not None and not json_ and _show(path)
    if json_:
        return print_json({"sweep": record.name, "report": None if path is None else str(path), "opened": opened})
    Terminal().print_line(f"Report: {where}")


def _show(path: Path) -> bool:
    """Open a page in the browser; False where this machine shows none, or has only one that needs the terminal."""
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if not has_screen and sys.platform != "darwin":
        return False
    try:
        return webbrowser.open(path.as_uri())
    except webbrowser.Error:
        return False
