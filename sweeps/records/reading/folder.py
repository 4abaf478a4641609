"""A record folder: its submission.json and its logs. No link is followed out of it and nothing is executed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.logs import Log
from sweeps.records.reading.files import MAX_LOG_BYTES, UnreadableFile, printable_path, read_json, read_log

MAX_FILES = 2_000
MAX_DEPTH = 4
MAX_FOLDERS = 20_000
"""Most folders that are searched for records."""
MAX_READ_BYTES = 256 << 20
"""Most bytes of logs that are read of one record."""
SUBMISSION = re.compile(r"submission[\w.-]*\.json", re.IGNORECASE)
"""Names of files that hold a record's claims."""
LOG_SUFFIXES = frozenset({".log", ".txt", ".out"})
LOG_FOLDERS = frozenset({"log", "logs", "run", "runs", "train_logs", "seed_logs", "results"})
"""Subfolders that belong to a record, as do folders named after a seed; other folders are records of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The contents of a record folder."""

    name: str
    submission: dict[str, Any] | None
    logs: dict[str, Log]
    """Path inside the folder → what the log says; only output of training scripts."""
    oddities: tuple[str, ...]
    """Files that were not read, each with the reason."""
    silent: tuple[str, ...] = ()
    """Files with a log's suffix that say nothing of a training."""
    namesakes: tuple[str, ...] = ()
    """Folders of the same name that were left out."""


def find_folders(root: Path) -> list[Path]:
    """Find record folders at or below a folder, sorted.

    Raises:
        InputError: it is no folder, holds no record, or has more folders than any collection of records.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder or a folder of them")
    folders = _find_below(root)
    if not folders:
        raise InputError(f"{root}: no record; expected a submission.json or a training log in it or in its folders")
    return folders


def read_folder(root: Path) -> Folder:
    """Read one record folder; a file that cannot be read becomes one of its oddities.

    Raises:
        InputError: it is no folder, or holds no record.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder")
    oddities: list[str] = []
    unread: list[str] = []
    texts: dict[str, Log] = {}
    for path in choose_logs(root, oddities):
        name = printable_path(path.relative_to(root))
        try:
            texts[name] = read_log(path)
        except UnreadableFile as why:
            unread.append(f"{name}: {why}")
    logs = {name: log for name, log in texts.items() if log.is_log}
    if not (logs or unread or _find_submissions(root)):
        raise InputError(f"{root}: no record; expected a submission.json or a training log in it")
    submission = _read_submission(root, unread)
    return Folder(
        name=printable_path(root.resolve().name),
        submission=submission,
        logs=logs,
        oddities=(*oddities, *unread),
        silent=tuple(name for name in texts if name not in logs),
    )


def read_folders(roots: Sequence[Path]) -> list[Folder]:
    """Read record folders; of several with one name the first is read and lists the others as namesakes.

    Raises:
        InputError: one of them is no folder, or holds no record.
    """
    by_name: dict[str, list[Path]] = {}
    for root in roots:
        by_name.setdefault(printable_path(root.resolve().name), []).append(root)
    return [
        replace(read_folder(first), namesakes=tuple(map(_describe_place, others)))
        for first, *others in by_name.values()
    ]


def _describe_place(root: Path) -> str:
    return printable_path("/".join(root.resolve().parts[-2:]))


def _find_below(root: Path) -> list[Path]:
    records: list[Path] = []
    stack, searched = [(root, MAX_DEPTH)], 0
    while stack:
        folder, depth = stack.pop()
        searched += 1
        if searched > MAX_FOLDERS:
            raise InputError(f"{root}: over {MAX_FOLDERS:,} folders; expected a record folder or a folder of them")
        if _is_record(folder):
            records.append(folder)
        elif depth:
            listed = list_children(folder, most=MAX_FOLDERS)
            children = [path for path in listed if path.is_dir() and not path.is_symlink()]
            stack += [(path, depth - 1) for path in reversed(children) if not path.name.startswith(".")]
    return records


def _is_record(folder: Path) -> bool:
    if _find_submissions(folder):
        return True
    inside = [child for child in list_children(folder) if child.is_dir() and _holds_logs(child.name.lower())]
    logs = [
        path
        for place in (folder, *inside)
        for path in list_children(place)
        if path.suffix.lower() in LOG_SUFFIXES and path.is_file() and not path.is_symlink()
    ]
    return any(map(_may_be_log, take_within(logs, MAX_READ_BYTES)))


def choose_logs(root: Path, oddities: list[str]) -> list[Path]:
    """Files of a folder that may be logs, as many as are read; what is left out is an oddity."""
    paths = [path for path in list_files(root, oddities) if path.suffix.lower() in LOG_SUFFIXES]
    chosen = take_within(paths, MAX_READ_BYTES)
    if len(chosen) < len(paths):
        oddities.append(f"over {MAX_READ_BYTES:,} bytes of logs; {len(paths) - len(chosen)} were not read")
    return chosen


def take_within(paths: Sequence[Path], most_bytes: int) -> list[Path]:
    """The first of these files that have at most so many bytes together; files too large to be read count nothing."""
    taken, total = [], 0
    for path in paths:
        size = path.lstat().st_size
        total += size if size <= MAX_LOG_BYTES else 0
        if total > most_bytes:
            break
        taken.append(path)
    return taken


def list_children(folder: Path, oddities: list[str] | None = None, *, most: int = MAX_FILES) -> list[Path]:
    """What is in a folder, sorted; nothing, and an oddity, where the system refuses to list it.

    Of a folder of more than `most` names only one more than that are looked at, and submissions, whatever their place.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
        late = [name for name in names[most + 1 :] if SUBMISSION.fullmatch(name)]
        return [folder / name for name in (*names[: most + 1], *late[:most])]
    except OSError as error:
        if oddities is not None:
            oddities.append(f"{printable_path(folder.name)}/: cannot be read ({error.strerror})")
        return []


def _holds_logs(name: str) -> bool:
    return name in LOG_FOLDERS or re.fullmatch(r"(?:run_)?seed[_-]?\d{1,12}", name, re.ASCII) is not None


def _may_be_log(path: Path) -> bool:
    """Whether a file is a training log, or cannot be read to find out."""
    try:
        return read_log(path).is_log
    except UnreadableFile:
        return True


def list_files(root: Path, oddities: list[str]) -> list[Path]:
    """Plain files of a folder and its subfolders, without hidden files and links."""
    files: list[Path] = []
    queue, seen = [(root, 0)], 0
    while queue:
        folder, depth = queue.pop(0)
        for path in list_children(folder, oddities):
            if path.name.startswith("."):
                continue
            if path.is_symlink():
                oddities.append(f"{printable_path(path.relative_to(root))} is a link and was not followed")
            elif path.is_dir():
                queue += [(path, depth + 1)] if depth < MAX_DEPTH else []
            elif path.is_file():
                files.append(path)
            else:
                oddities.append(f"{printable_path(path.relative_to(root))} is no regular file and was not read")
            seen += 1
            if seen > MAX_FILES:
                oddities.append(f"over {MAX_FILES:,} files; the rest was not read")
                return files
    return files


def _find_submissions(root: Path) -> list[Path]:
    return [
        path
        for path in list_children(root)
        if SUBMISSION.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]


def _read_submission(root: Path, oddities: list[str]) -> dict[str, Any] | None:
    """submission.json, or the only file that is named after it."""
    candidates = _find_submissions(root)
    chosen = [path for path in candidates if path.name == "submission.json"] or candidates
    if len(chosen) > 1:
        names = printable_path(", ".join(path.name for path in chosen[:8]))
        oddities.append(f"{names}: several, none of them submission.json; none was read")
    if len(chosen) != 1:
        return None
    try:
        return read_json(chosen[0], oddities)
    except UnreadableFile as why:
        oddities.append(f"{printable_path(chosen[0].name)}: {why}")
        return None
