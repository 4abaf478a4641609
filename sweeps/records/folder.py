"""The files of a record folder, read with bounded memory: nothing is followed out of it and nothing is executed."""

import codecs
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.logs import Log, parse

MAX_LOG_BYTES = 32 << 20
MAX_JSON_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 16
"""What of a line is longer is read as further lines."""
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""What a text file that is not plain UTF-8 begins with → its encoding; Windows shells write such logs."""
MAX_FILES = 2_000
MAX_DEPTH = 4
LOG_SUFFIXES = frozenset({".log", ".txt", ".out"})
LOG_FOLDERS = frozenset({"log", "logs", "run", "runs", "train_logs", "seed_logs", "results"})
"""Subfolders that are part of a record rather than records, as are those of a seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """What a record folder holds."""

    name: str
    submission: dict[str, Any] | None
    logs: dict[str, Log]
    """Path inside the folder → what it says; only files that are output of a training script."""
    oddities: tuple[str, ...]
    """Files that were not read, and why."""
    silent: tuple[str, ...] = ()
    """Files with a log's suffix that say nothing of a training."""
    namesakes: tuple[str, ...] = ()
    """Folders of the same name that were left out."""


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
    """Read one record folder; a file that is too large or is not what its name says is an oddity of it.

    Raises:
        InputError: it is no folder, or holds nothing of a record.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a record folder")
    oddities: list[str] = []
    unread: list[str] = []
    texts: dict[str, Log] = {}
    for path in _files(root, oddities):
        name = printable(path.relative_to(root).as_posix())
        try:
            if path.suffix.lower() in LOG_SUFFIXES:
                texts[name] = _log(path)
        except _Unread as why:
            unread.append(f"{name}: {why}")
    logs = {name: log for name, log in texts.items() if log.is_log}
    if not (logs or unread or _submissions(root)):
        raise InputError(f"{root}: no record; expected a submission.json or a training log in it")
    submission = _submission(root, unread)
    name = printable(root.resolve().name)
    return Folder(
        name=name,
        submission=submission,
        logs=logs,
        oddities=(*oddities, *unread),
        silent=tuple(name for name in texts if name not in logs),
    )


def read_all(roots: Sequence[Path]) -> list[Folder]:
    """Read record folders; of several of one name, after which their row is named, the first one, which says so.

    Raises:
        InputError: one of them is no folder, or holds nothing of a record.
    """
    named: dict[str, list[Path]] = {}
    for root in roots:
        named.setdefault(printable(root.resolve().name), []).append(root)
    return [replace(read(first), namesakes=tuple(map(_place, others))) for first, *others in named.values()]


def _place(root: Path) -> str:
    return printable("/".join(root.resolve().parts[-2:]))


class _Unread(Exception):
    """Why a file was not read."""


def printable(text: str) -> str:
    """Text of others without control characters and halves of characters: safe for a terminal, a database, JSON."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if _is_record(folder):
        yield folder
    elif depth:
        for child in _children(folder):
            if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
                yield from _below(child, depth - 1)


def _is_record(folder: Path) -> bool:
    if _submissions(folder):
        return True
    inside = [child for child in _children(folder) if child.is_dir() and _holds_logs(child.name.lower())]
    places = [folder, *inside]
    return any(
        path.suffix.lower() in LOG_SUFFIXES and path.is_file() and not path.is_symlink() and _may_be_log(path)
        for place in places
        for path in _children(place)
    )


def _children(folder: Path, oddities: list[str] | None = None) -> list[Path]:
    """What is in a folder, sorted; nothing, and an oddity, where that may not be seen."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if oddities is not None:
            oddities.append(f"{printable(folder.name)}/: cannot be read ({error.strerror})")
        return []


def _holds_logs(name: str) -> bool:
    return name in LOG_FOLDERS or re.fullmatch(r"(?:run_)?seed[_-]?\d{1,12}", name, re.ASCII) is not None


def _may_be_log(path: Path) -> bool:
    """Whether a file is a training log, or cannot be read to find out."""
    try:
        return _log(path).is_log
    except _Unread:
        return True


def _files(root: Path, oddities: list[str]) -> list[Path]:
    """Plain files of a folder and its folders, hidden ones and links left out."""
    found: list[Path] = []
    queue = [(root, 0)]
    while queue:
        folder, depth = queue.pop(0)
        for path in _children(folder, oddities):
            if path.name.startswith("."):
                continue
            if path.is_symlink():
                oddities.append(f"{path.relative_to(root).as_posix()} is a link and was not followed")
            elif path.is_dir() and depth < MAX_DEPTH:
                queue.append((path, depth + 1))
            elif path.is_file():
                found.append(path)
            if len(found) + len(queue) > MAX_FILES:
                oddities.append(f"over {MAX_FILES:,} files; the rest was not read")
                return found
    return found


def _log(path: Path) -> Log:
    size = path.stat().st_size
    if size > MAX_LOG_BYTES:
        raise _Unread(f"{size:,} bytes, over {MAX_LOG_BYTES:,}; not read")
    try:
        with path.open("rb") as stream:
            encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if stream.peek(4).startswith(mark)), None)
            if encoding is None:
                return parse(iter(lambda: stream.readline(MAX_LINE_BYTES), b""))
            text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
            return parse(line.encode() for line in iter(lambda: text.readline(MAX_LINE_BYTES), ""))
    except OSError as error:
        raise _Unread(f"cannot be read ({error.strerror})") from None


def _submissions(root: Path) -> list[Path]:
    return [
        path
        for path in _children(root)
        if path.is_file()
        and not path.is_symlink()
        and re.fullmatch(r"submission[\w.-]*\.json", path.name, re.IGNORECASE)
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
    if len(chosen) != 1:
        return None
    try:
        return _json(chosen[0], oddities)
    except _Unread as why:
        oddities.append(f"{printable(chosen[0].name)}: {why}")
        return None


def _json(path: Path, oddities: list[str]) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found and found[name] != value:
                oddities.append(
                    f"{path.name}: {printable(name[:40])} stands there twice, with different values; neither counts"
                )
                value = None
            found[name] = value
        return found

    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise _Unread(f"{size:,} bytes, over {MAX_JSON_BYTES:,}; not read")
    try:
        # Decimals keep the digits that were written; the encoding is whichever of Unicode's it is.
        found = json.loads(path.read_bytes(), parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=once)
    except RecursionError:
        raise _Unread("nested too deeply; not read") from None
    except OSError as error:
        raise _Unread(f"cannot be read ({error.strerror})") from None
    except ValueError as error:  # what is no UTF-8 and integers of thousands of digits are among them
        raise _Unread(f"no JSON ({error})") from None
    if not isinstance(found, dict):
        raise _Unread(f"a JSON {type(found).__name__}, no object with a submission's claims")
    return found
