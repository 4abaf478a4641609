"""The files of a record folder, read with bounded memory: nothing is followed out of it and nothing is executed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.logs import Log, parse

MAX_LOG_BYTES = 32 << 20
MAX_JSON_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 16
"""What of a line is longer is read as further lines."""
MAX_FILES = 2_000
MAX_DEPTH = 4
LOG_SUFFIXES = frozenset({".log", ".txt", ".out"})
LOG_FOLDERS = frozenset({"log", "logs", "run", "runs", "train_logs", "seed_logs", "results"})
"""Subfolders that are part of a record rather than records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """What a record folder holds."""

    name: str
    submission: dict[str, Any] | None
    logs: dict[str, Log]
    """Path inside the folder → what it says; only files that are output of a training script."""
    oddities: tuple[str, ...]
    """Files that were not read, and why."""


def find(root: Path) -> list[Path]:
    """Record folders at or below a folder, sorted.

    Raises:
        InputError: it is no folder, or neither it nor anything below it is a record.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder or a folder of them")
    found = list(_below(root, MAX_DEPTH))
    if not found:
        raise InputError(f"{root}: no record; expected a submission.json or a training log in it or in its folders")
    return found


def read(root: Path) -> Folder:
    """Read one record folder.

    Raises:
        InputError: it is no record, or one of its files is too large or is not what its name says.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder")
    oddities: list[str] = []
    logs: dict[str, Log] = {}
    for path in _files(root, oddities):
        if path.suffix.lower() in LOG_SUFFIXES and (log := _log(path)).is_log:
            logs[printable(path.relative_to(root).as_posix())] = log
    submission = _submission(root, oddities)
    if submission is None and not logs:
        raise InputError(f"{root}: no record; expected a submission.json or a training log in it")
    return Folder(name=printable(root.resolve().name), submission=submission, logs=logs, oddities=tuple(oddities))


def printable(text: str) -> str:
    """Text of others without control characters and halves of characters: safe for a terminal, a database, JSON."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if _is_record(folder):
        yield folder
    elif depth:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
                yield from _below(child, depth - 1)


def _is_record(folder: Path) -> bool:
    if _submissions(folder):
        return True
    inside = [child for child in sorted(folder.iterdir()) if child.is_dir() and child.name.lower() in LOG_FOLDERS]
    places = [folder, *inside]
    return any(
        path.suffix.lower() in LOG_SUFFIXES and path.is_file() and not path.is_symlink() and _log(path).is_log
        for place in places
        for path in sorted(place.iterdir())
    )


def _files(root: Path, oddities: list[str]) -> list[Path]:
    """Plain files of a folder and its folders, hidden ones and links left out."""
    found: list[Path] = []
    queue = [(root, 0)]
    while queue:
        folder, depth = queue.pop(0)
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_symlink():
                oddities.append(f"{path.relative_to(root).as_posix()} is a link and was not followed")
            elif path.is_dir() and depth < MAX_DEPTH:
                queue.append((path, depth + 1))
            elif path.is_file():
                found.append(path)
            if len(found) + len(queue) > MAX_FILES:
                raise InputError(f"{root}: over {MAX_FILES:,} files; expected a record folder with a log a seed")
    return found


def _log(path: Path) -> Log:
    size = path.stat().st_size
    if size > MAX_LOG_BYTES:
        raise InputError(f"{path}: {size:,} bytes, over {MAX_LOG_BYTES:,}; expected a training log")
    try:
        with path.open("rb") as stream:
            return parse(iter(lambda: stream.readline(MAX_LINE_BYTES), b""))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _submissions(root: Path) -> list[Path]:
    return [
        path
        for path in sorted(root.iterdir())
        if path.is_file() and not path.is_symlink() and re.fullmatch(r"submission[\w.-]*\.json", path.name)
    ]


def _submission(root: Path, oddities: list[str]) -> dict[str, Any] | None:
    """submission.json; where there is none, the one file that is named after it."""
    found = _submissions(root)
    exact = [path for path in found if path.name == "submission.json"]
    chosen = exact or found
    if len(chosen) > 1:
        oddities.append(
            f"{', '.join(path.name for path in chosen)}: several, none of them submission.json; none was read"
        )
    return _json(chosen[0]) if len(chosen) == 1 else None


def _json(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise InputError(f"{path}: {size:,} bytes, over {MAX_JSON_BYTES:,}; expected a submission's JSON")
    try:
        # Decimals keep the digits that were written; NaN and Infinity are no numbers of JSON.
        found = json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_constant=lambda _: None)
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; expected a JSON object with a submission's claims") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # what is no UTF-8 and integers of thousands of digits are among them
        raise InputError(f"{path}: no JSON ({error}); expected an object with a submission's claims") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: a JSON {type(found).__name__}; expected an object with a submission's claims")
    return found
