"""Record folders that are sent to a service: judged in a folder of their own, which is removed afterwards."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from golf.errors import InputError
from sweeps.contests.contest import Contest
from sweeps.records.reading.archive import unpack_archive
from sweeps.records.reading.folder import find_folders
from sweeps.spec.checks.names import MOST_FOLDER_CHARACTERS, check_names
from sweeps.submission.judges import JUDGES, FolderReview, ImportedRecords

MOST_RECORDS = 50
"""Of one archive."""


def review_upload(content: bytes, name: str, contest: Contest) -> tuple[FolderReview, str]:
    """Judge the one record of a zip file, as `golfsweep check` does; its review, and that as Markdown.

    Raises:
        InputError: it is no record, or several.
    """
    with _unpacked(content, name) as folders:
        if len(folders) > 1:
            raise InputError(f"archive: {len(folders)} records; expected one to review")
        review = JUDGES[contest.judge].review(folders[0], contest)
        return review, review.text()


def read_upload(content: bytes, name: str, contest: Contest) -> ImportedRecords:
    """The records of a zip file, as `golfsweep import` reads them.

    Raises:
        InputError: it holds no record, or too many.
    """
    with _unpacked(content, name) as folders:
        return JUDGES[contest.judge].read(folders, contest)


@contextmanager
def _unpacked(content: bytes, name: str) -> Iterator[Sequence[Path]]:
    """The record folders of an archive; one whose files lie at its top is named as the archive is."""
    check_names([name], "name", most=MOST_FOLDER_CHARACTERS)
    with tempfile.TemporaryDirectory(prefix="golfsweep-upload-") as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        unpack_archive(content, folder)
        try:
            folders = find_folders(folder)
        except InputError:
            raise InputError("archive: no record in it; expected a submission.json or a training log") from None
        if len(folders) > MOST_RECORDS:
            raise InputError(f"archive: {len(folders)} records; expected at most {MOST_RECORDS}")
        yield folders
