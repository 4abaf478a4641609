"""Digests of large files, cached by path, size and modification time."""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from golf.data.tokens import digest_files, find_shards
from golf.errors import InputError
from golf.files import write_atomically
from jobs.errors import NotReady


def cache_path() -> Path:
    """The cache file of this machine, in $XDG_CACHE_HOME/golfsweep or ~/.cache/golfsweep."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "golfsweep" / "digests.json"


def digest_of(paths: Sequence[Path]) -> str:
    """SHA-256, as hex, of files in this order; reads them only if one has changed since the last call.

    Raises:
        InputError: a file cannot be read.
    """
    try:
        stamps = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from None
    cache, name = cache_path(), json.dumps(stamps)
    try:
        known: dict[str, str] = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if name not in known:
        known[name] = digest_files(paths)
        with contextlib.suppress(OSError):  # without a writable cache the next call is slow
            write_atomically(cache, json.dumps(known).encode())
    return known[name]


def digest_folder(folder: Path) -> str:
    """SHA-256, as hex, of all files of a folder in the order of their names.

    Raises:
        InputError: it is no folder, has no file, or one of them cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"data.tokens = {folder}: no such folder; expected a folder of token shards")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise InputError(f"data.tokens = {folder}: no files in it; expected token shards")
    return digest_of(files)


def find_shards_here(folder: Path, split: Literal["train", "val"]) -> list[Path]:
    """The shards of one split in a folder of this machine, sorted by name.

    Raises:
        NotReady: they are not here; another machine may have them.
    """
    try:
        return find_shards(folder, split)
    except InputError as error:
        raise NotReady(*error.problems) from None


def check_digest(paths: Sequence[Path], expected: str, name: str) -> None:
    """Check local files against the digest in a job's key.

    Raises:
        NotReady: they are not here, or not those that the job was ordered for; another machine may have them.
    """
    try:
        digest = digest_of(paths)
    except InputError as error:
        raise NotReady(*error.problems) from None
    if digest != expected:
        raise NotReady(f"{paths[0].parent}: {name} has digest {digest[:12]}…, the job was ordered for {expected[:12]}…")
