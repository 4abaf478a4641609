"""From the entries of a home to its leaderboard and to pairs of entries: what reading commands and pages show."""

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from golf.errors import InputError
from jobs.files import FileStore
from jobs.scores import read_table
from jobs.store import EntryRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.compare import Pair
from sweeps.board.entries import BoardEntry
from sweeps.board.evaluation import ImportedEntry
from sweeps.board.leaderboard import open_board
from sweeps.entries.facts import SweepFacts
from sweeps.entries.form import evaluations_of, other_versions
from sweeps.entries.superseded import Superseded, find_superseded
from sweeps.statistics.documents import Documents

TABLES = 512
"""Score tables that stay in memory."""


def board_of(name: str | None, place: Workplace) -> Board:
    """The leaderboard of a sweep, imported records beside it, and all other sweeps as what came before.

    Superseded entries are not on it.

    Args:
        name: of the sweep whose entries are shown; None where there is none yet, which leaves the records.
        place: the home that it belongs to.

    Raises:
        InputError: another version of golfsweep wrote the sweep.
    """
    imported = [ImportedEntry.from_json(content) for content in place.store.records()]
    record = None if name is None else place.store.sweep(name)
    if record is None:
        board = open_board(profile="accepted")
        board.add(records=imported)
        return board
    facts = SweepFacts.of(record)
    board = open_board(
        profile=facts.rules,
        baseline=facts.baseline,
        scores=lambda digest: read_scores(place.files, digest),
        owners={sweep.name: sweep.owner for sweep in place.store.sweeps()},
    )
    current = [entry for entry in place.store.entries() if not other_versions(entry)]
    board.add((run for entry in current if entry.sweep == name for run in evaluations_of(entry)), imported)
    board.add((run for entry in current if entry.sweep != name for run in evaluations_of(entry)), shown=False)
    return board


def superseded_of(place: Workplace) -> list[Superseded]:
    """Entries of any sweep that were measured with another arithmetic than this code's."""
    return find_superseded(place.store.entries())


def pair_of(challenger: str, incumbent: str, place: Workplace) -> Pair:
    """Two entries by name: SWEEP/ENTRY, ENTRY of the latest sweep, or a public record's own.

    Raises:
        InputError: no entry has such a name, or it is superseded.
    """
    sweeps = place.store.sweeps()
    latest = sweeps[-1].name if sweeps else None
    entries = board_of(latest, place).entries()
    c, i = (find_entry(name, entries, latest or "", superseded_of(place)) for name in (challenger, incumbent))
    both = {entry.sweep for entry in (c, i)} - {""}  # public records share no sweep
    kind = (c.track, c.data)
    peers = [
        entry for entry in entries if entry in (c, i) or (entry.sweep in both and (entry.track, entry.data) == kind)
    ]
    return Pair(
        challenger=c,
        incumbent=i,
        peers=peers,
        records=[entry for entry in entries if entry.source == "import"],
        recipes=(_settings(c, place), _settings(i, place)),
        read_scores=lambda digest: read_scores(place.files, digest),
    )


def find_entry(
    name: str, entries: Sequence[BoardEntry], latest: str, superseded: Sequence[Superseded] = ()
) -> BoardEntry:
    """The entry of a name: SWEEP/ENTRY, ENTRY of the latest sweep, or a public record's own.

    Raises:
        InputError: there is none; the message names the nearest, or says that it is superseded.
    """
    known = {entry.name_within(latest): entry for entry in entries}
    known |= {f"{entry.sweep}/{entry.name}": entry for entry in entries if entry.sweep}
    if name in known:
        return known[name]
    for former in superseded:
        if name in [f"{former.sweep}/{entry}" for entry in former.entries] or (
            former.sweep == latest and name in former.entries
        ):
            raise InputError(f'entry "{name}": {former.line}')
    near = difflib.get_close_matches(name, known, 1, 0.4)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known) or 'none yet'}"
    raise InputError(f'entry "{name}": no confirmed entry of that name; {hint}')


def read_entry(sweep: str, name: str, place: Workplace) -> EntryRecord | None:
    """The stored entry of a name, superseded ones included."""
    return next((entry for entry in place.store.entries(sweep) if entry.name == name), None)


@lru_cache(maxsize=TABLES)
def read_scores(files: FileStore, digest: str) -> Documents:
    """A score table: document, nll (nats), tokens and bytes, each an array [documents].

    Raises:
        InputError: the content is lost, or is no such table.
    """
    table = read_table(files.get(digest))
    # pyarrow's own to_numpy imports pandas, which takes longer than all the rest of a leaderboard.
    return {name: np.from_dlpack(table[name].combine_chunks()) for name in table.column_names}


def _settings(entry: BoardEntry, place: Workplace) -> Mapping[str, Any]:
    """Every setting of an entry's recipe; none of a public record's."""
    record = read_entry(entry.sweep, entry.name, place) if entry.sweep else None
    return {} if record is None else record.content["settings"]
