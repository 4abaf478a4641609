"""Record folders become entries of a contest."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from golf.errors import InputError
from sweeps.board.rules import RuleFinding
from sweeps.contests.contest import Contest
from sweeps.records.reading.files import printable_path
from sweeps.spec.checks.names import MOST_FOLDER_CHARACTERS, check_names
from sweeps.standings.entry import ContestEntry, entry_of
from sweeps.standings.files.folders import find_entries, order_parts, read_entries
from sweeps.standings.findings import judge_contest_record
from sweeps.standings.record import ContestRecord

Judged = tuple[ContestRecord, tuple[RuleFinding, ...]]
"""An entry's folder with its findings."""


def judge_folder(record: Path, parts: Sequence[str], contest: Contest, namesakes: Sequence[Path] = ()) -> list[Judged]:
    """Read and judge the entries of one record folder; `namesakes` are folders of its name that are left out."""
    records = [ContestRecord(folder=folder, contest=contest) for folder in read_entries(record, parts, contest)]
    left_out = tuple(
        RuleFinding(
            code="same-name",
            detail=f"{printable_path(path)} has the same name and was left out; rename one of the two",
        )
        for path in namesakes
    )
    return [(record, (*judge_contest_record(record), *left_out)) for record in records]


def judge_one(folder: Path, contest: Contest) -> list[Judged]:
    """Read and judge the entries of a folder that must be one record.

    Raises:
        InputError: it is no folder, holds no record, or several.
    """
    records = find_entries(folder, contest)
    if len(records) > 1:
        raise InputError(f"{folder}: {len(records)} records in it; name one of them, such as {records[0][0]}")
    return judge_folder(*records[0], contest)


def read_contest_entries(roots: Iterable[Path], contest: Contest) -> Iterator[ContestEntry]:
    """The entries of all record folders at or below some folders; of several with one name the first is read.

    Raises:
        InputError: one of them is no folder or holds no record, or a folder's name is no name.
    """
    records: dict[Path, tuple[str, ...]] = {}
    for root in roots:
        for path, parts in find_entries(root, contest):
            before = records.get(path.resolve(), ())  # a part may be named by itself
            records[path.resolve()] = order_parts({*before, *parts}, contest)
    names = (os.fsencode(path.name).decode("utf-8", "surrogateescape") for path in records)
    check_names(names, "folder", most=MOST_FOLDER_CHARACTERS)
    by_name: dict[str, list[Path]] = {}
    for path in records:
        by_name.setdefault(printable_path(path.name), []).append(path)
    for first, *others in by_name.values():
        for record, findings in judge_folder(first, records[first], contest, others):
            yield entry_of(record, findings)
