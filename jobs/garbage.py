"""Deleting files that nothing needs any more: contents of the file store, temporary files, and working folders.

A file is spared while it is young: a job may have written it a moment ago, and write its row next. Rows go first, files
after them, so that a crash between the two leaves files without rows, which the next run finds.
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from golf.errors import InputError
from jobs.files import FileStore
from jobs.paths import COMPARISON
from jobs.store import Store
from jobs.store.work.garbage import Reason
from jobs.workplace import Workplace

SPARED_SECONDS = 3600.0
"""Files younger than this are left alone; twice as much as jobs.files.REWRITTEN_SECONDS."""
BATCH = 500
"""Contents that one transaction removes from the database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unneeded:
    """A file or folder that nothing needs."""

    reason: Reason
    path: str
    digest: str | None
    """None of temporary files and folders."""
    size: int


def find_garbage(place: Workplace) -> list[Unneeded]:
    """Everything that may be deleted, by reason."""
    garbage = [*_unneeded_files(place.store, place.files), *_unneeded_folders(place), *_unneeded_pages(place)]
    return sorted(garbage, key=lambda item: (list(Reason).index(item.reason), item.path))


def delete_garbage(place: Workplace, garbage: Sequence[Unneeded]) -> list[Unneeded]:
    """Delete what `find_garbage` lists; returns what was deleted, without what is needed or young again.

    Raises:
        InputError: the file store belongs to another database.
    """
    _check_pair(place)
    deleted = []
    for reason, group in groupby(garbage, key=lambda item: item.reason):
        items = list(group)
        if reason == Reason.FOLDER:
            deleted += [item for item in items if _delete_folder(Path(item.path))]
        elif reason == Reason.PAGE:
            deleted += [item for item in items if _delete_page(Path(item.path))]
        elif reason in (Reason.TEMPORARY, Reason.UNREGISTERED):
            deleted += _delete_unregistered(place, items)
        else:
            for start in range(0, len(items), BATCH):
                deleted += _delete_contents(place, items[start : start + BATCH])
    for reason in (Reason.TEMPORARY, Reason.UNREGISTERED, Reason.FOLDER, Reason.PAGE):
        if names := [item.path.rpartition("/")[2] for item in deleted if item.reason == reason]:
            place.store.report_deleted(reason, names)
    return deleted


def _unneeded_files(store: Store, files: FileStore) -> Iterator[Unneeded]:
    listed = [file for file in files.files() if file.age_seconds > SPARED_SECONDS]  # before rows: they come later
    known = store.known_contents()
    for file in listed:
        if file.digest is None:
            yield Unneeded(reason=Reason.TEMPORARY, path=file.path, digest=None, size=file.size)
        elif (reason := known.get(file.digest, Reason.UNREGISTERED)) is not None:
            yield Unneeded(reason=reason, path=file.path, digest=file.digest, size=file.size)


def _unneeded_folders(place: Workplace) -> Iterator[Unneeded]:
    """Working folders of finished jobs: what they left there is in the file store."""
    finished = {place.home.attempt(key, 0).parent for key in place.store.finished_jobs()}
    for path in sorted(place.home.attempts.glob("*")):
        if path in finished and time.time() - path.stat().st_mtime > SPARED_SECONDS:
            size = sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
            yield Unneeded(reason=Reason.FOLDER, path=str(path), digest=None, size=size)


def _unneeded_pages(place: Workplace) -> Iterator[Unneeded]:
    """Comparisons, and pages that a crash left half-written; reports of sweeps stay."""
    reports = {place.home.report(sweep.name) for sweep in place.store.sweeps()}
    for path in sorted(place.home.reports.glob("*")):
        is_ours = path.name.startswith((COMPARISON, ".")) and path not in reports and path.is_file()
        if is_ours and time.time() - path.stat().st_mtime > SPARED_SECONDS:
            yield Unneeded(reason=Reason.PAGE, path=str(path), digest=None, size=path.stat().st_size)


def _check_pair(place: Workplace) -> None:
    """Make sure that files without a row are garbage, and not another database's contents.

    Raises:
        InputError: the file store has none of the contents that the database needs, or another place for its own.
    """
    known = place.store.file_store()
    if known is not None and place.files.identity() not in (known.id, None):
        raise InputError(place.find_elsewhere() or "")
    if place.is_own_pair:
        return
    needed = [digest for digest, reason in place.store.known_contents().items() if reason is None]
    if not any(place.files.has(digest) for digest in needed):
        raise InputError(
            "the file store holds none of the contents that the database needs; give the --db and --files that belong "
            "together"
        )


def _delete_contents(place: Workplace, items: Sequence[Unneeded]) -> list[Unneeded]:
    old = [item for item in items if place.files.age_seconds(item.path) > SPARED_SECONDS]
    by_digest = {item.digest: item for item in old if item.digest is not None}
    deleted = [by_digest[digest] for digest in place.store.forget_contents(list(by_digest))]
    for item in deleted:
        place.files.delete_file(item.path)
    return deleted


def _delete_unregistered(place: Workplace, items: Iterable[Unneeded]) -> list[Unneeded]:
    """Delete files that the database still does not know, and that were not written again since."""
    known = place.store.known_contents()
    deleted = [
        item
        for item in items
        if (item.digest is None or item.digest not in known) and place.files.age_seconds(item.path) > SPARED_SECONDS
    ]
    for item in deleted:
        place.files.delete_file(item.path)
    return deleted


def _delete_folder(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def _delete_page(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True
