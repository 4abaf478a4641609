"""From folders to entries and their runs. No link is followed out of a folder and nothing is executed."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path

from golf.errors import InputError
from sweeps.contests.contest import Contest, LogTable
from sweeps.contests.log import TrainingLog
from sweeps.contests.readers import READERS
from sweeps.records.reading.files import UnreadableFile, parse_lines, printable_path
from sweeps.records.reading.folder import (
    LOG_SUFFIXES,
    MAX_DEPTH,
    MAX_FOLDERS,
    MAX_READ_BYTES,
    choose_logs,
    list_children,
    take_within,
)
from sweeps.standings.files.claims import TableClaim, find_claim

_DAY = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestRun:
    """One run of an entry."""

    name: str
    """Its seed where the contest's runs have seeds, else the name of its log."""
    path: str
    """Of its log, inside the entry's folder."""
    log: TrainingLog


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFolder:
    """The contents of an entry's folder."""

    name: str
    """Of the entry: the record's folder, and the subfolder of a record that has several entries."""
    place: str
    """Name of the record's folder; all runs in it were made on one machine if the contest says so."""
    runs: tuple[ContestRun, ...]
    copies: tuple[tuple[str, str], ...]
    """Path of a log and of the log that it copies, byte for byte."""
    oddities: tuple[str, ...]
    """Files that were not read, each with the reason."""
    claim: TableClaim | None
    date: str | None
    """YYYY-MM-DD, as claimed, else as in the folder's name."""
    compared_with: str | None = None
    """Name of the record's own entry that this one is compared with."""


def find_entries(root: Path, contest: Contest) -> list[tuple[Path, tuple[str, ...]]]:
    """Find record folders at or below a folder, sorted, each with the subfolders that are its entries.

    Raises:
        InputError: it is no folder, holds no record, or has more folders than any collection of records.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder or a folder of them")
    place = root.resolve()
    if place.name in contest.folder.parts and contest.log is not None and _has_logs(place, contest.log):
        return [(place.parent, (place.name,))]
    records = list(_find_below(root, contest))
    if not records:
        raise InputError(f"{root}: no record of {contest.name}; expected a training log in it or in its folders")
    return records


def read_entries(record: Path, parts: Sequence[str], contest: Contest) -> list[EntryFolder]:
    """Read the entries of a record folder: one for each part, else the folder itself."""
    place = printable_path(record.resolve().name)
    if not parts:
        return [_read(record, place, place, None, contest)]
    names = [f"{place}/{printable_path(part)}" for part in parts]
    before = dict(pairwise(names))
    return [
        _read(record / part, name, place, before.get(name), contest) for part, name in zip(parts, names, strict=True)
    ]


def _read(folder: Path, name: str, place: str, compared_with: str | None, contest: Contest) -> EntryFolder:
    oddities: list[str] = []
    logs = dict(_read_logs(folder, contest, oddities))
    first: dict[str, str] = {}
    copies = []
    for path, (digest, _) in logs.items():
        if first.setdefault(digest, path) != path:
            copies.append((path, first[digest]))
    runs = {path: logs[path][1] for path in first.values()}
    record = folder.parent if compared_with or name != place else folder
    claim = find_claim(record, folder.name if record != folder else None, oddities)
    return EntryFolder(
        name=name,
        place=place,
        runs=tuple(
            ContestRun(name=run, path=path, log=log)
            for (path, log), run in zip(runs.items(), _name_runs(runs, contest), strict=True)
        ),
        copies=tuple(copies),
        oddities=tuple(oddities),
        claim=claim,
        date=claim.date if claim is not None and claim.date is not None else _read_day(place),
        compared_with=compared_with,
    )


def _name_runs(runs: dict[str, TrainingLog], contest: Contest) -> Iterable[str]:
    """A name for each run: its seed, else its log's file name, else its path."""
    if contest.replicates.seeds:
        seeds = [log.seed for log in runs.values()]
        return [
            seed if seed is not None and seeds.count(seed) == 1 else path
            for path, seed in zip(runs, seeds, strict=True)
        ]
    stems = [path.rpartition("/")[2].rpartition(".")[0] for path in runs]
    return [stem if stems.count(stem) == 1 else path for path, stem in zip(runs, stems, strict=True)]


def _read_logs(folder: Path, contest: Contest, oddities: list[str]) -> Iterator[tuple[str, tuple[str, TrainingLog]]]:
    """The logs of a folder: path inside it, digest, and what it says."""
    assert contest.log is not None
    for path in sorted(choose_logs(folder, oddities)):
        name = printable_path(path.relative_to(folder))
        try:
            digest, log = parse_lines(path, partial(_digest_and_read, contest.log))
        except UnreadableFile as why:
            oddities.append(f"{name}: {why}")
            continue
        if log.is_log:
            yield name, (digest, log)


def _digest_and_read(table: LogTable, lines: Iterable[bytes]) -> tuple[str, TrainingLog]:
    """The SHA-256 of a log, and what it says."""
    digest = hashlib.sha256()

    def pass_on() -> Iterator[bytes]:
        for line in lines:
            digest.update(line)
            yield line

    log = READERS[table.reader](table, pass_on())
    return digest.hexdigest(), log


def _find_below(root: Path, contest: Contest) -> Iterator[tuple[Path, tuple[str, ...]]]:
    assert contest.log is not None
    stack, searched = [(root, MAX_DEPTH)], 0
    while stack:
        folder, depth = stack.pop()
        searched += 1
        if searched > MAX_FOLDERS:
            raise InputError(f"{root}: over {MAX_FOLDERS:,} folders; expected a record folder or a folder of them")
        children = [
            path
            for path in list_children(folder, most=MAX_FOLDERS)
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        ]
        if parts := _find_parts(children, contest):
            yield folder, parts
        elif _has_logs(folder, contest.log):
            yield folder, ()
        elif depth:
            stack += [(path, depth - 1) for path in reversed(children)]


def order_parts(parts: Iterable[str], contest: Contest) -> tuple[str, ...]:
    """Names of a record's entries, each compared with the next one: as the contest lists them, else by their steps."""
    listed = contest.folder.parts
    return tuple(sorted(parts, key=lambda part: listed.index(part) if part in listed else _read_steps(part, contest)))


def _find_parts(children: Sequence[Path], contest: Contest) -> tuple[str, ...]:
    """Names of the subfolders that are entries of one record."""
    assert contest.log is not None
    named = [path for path in children if path.name in contest.folder.parts]
    if not named and len(children) > 1 and all(_read_steps(path.name, contest) for path in children):
        named = list(children)
    return order_parts([path.name for path in named if _has_logs(path, contest.log)], contest)


def _read_steps(name: str, contest: Contest) -> int:
    """The number of steps that a subfolder is named after; 0 for none."""
    form = contest.folder.steps
    match = None if form is None else re.search(form, name, re.ASCII)
    return int(match["steps"]) if match else 0


def _has_logs(folder: Path, table: LogTable) -> bool:
    logs = [
        path
        for path in list_children(folder)
        if path.suffix.lower() in LOG_SUFFIXES and path.is_file() and not path.is_symlink()
    ]
    return any(_is_log(path, table) for path in take_within(logs, MAX_READ_BYTES))


def _is_log(path: Path, table: LogTable) -> bool:
    try:
        return parse_lines(path, partial(_digest_and_read, table))[1].is_log
    except UnreadableFile:
        return False


def _read_day(name: str) -> str | None:
    for year, month, day in _DAY.findall(name):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return None
