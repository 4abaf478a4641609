"""The leaderboard as one JSON document: what `golfsweep leaderboard --json` prints and the service answers."""

from collections.abc import Callable
from typing import Any

from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT
from sweeps.entries import reading
from sweeps.entries.facts import latest_sweep
from sweeps.entries.lost import Lost
from sweeps.entries.reading import ComputedBoard, compute_board
from sweeps.standings.reading import choose_contest, standings_of

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning."""


def leaderboard_document(
    place: Workplace,
    sweep: str | None,
    contest: str | None = None,
    read_board: Callable[[str | None], ComputedBoard] | None = None,
) -> dict[str, Any]:
    """Entries of a sweep beside imported records, as plain data.

    Args:
        place: the home.
        sweep: its name; by default the latest.
        contest: by default that of the sweep.
        read_board: gives the leaderboard of a sweep; by default it is computed.

    Raises:
        InputError: no such contest, or the sweep is of another one.
    """
    version = {"schema_version": SCHEMA_VERSION}
    if not place.store.sweeps() and not place.store.records():
        return version | {"rows": [], "frontier": [], "superseded": [], "notes": []}
    chosen, others = choose_contest(place, contest, sweep)
    lost = Lost()
    if chosen.name != DEFAULT:
        standings = standings_of(chosen, place, lost)
        rows, changes, superseded, withdrawn = standings.rows(sweep), standings.changes(), [], []
    else:
        name = sweep or latest_sweep(place)
        computed = compute_board(name, place) if read_board is None else read_board(name)
        rows, changes, lost = [*computed.rows], [*computed.changes], computed.lost
        superseded = [former.to_json() for former in reading.superseded_of(place)]
        withdrawn = [former.line for former in reading.withdrawn_of(place)]
    notes = [*withdrawn, *lost.lines(place), *others]
    return version | {"rows": rows, "frontier": changes, "superseded": superseded, "notes": notes}
