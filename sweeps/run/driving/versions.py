"""The versions of a sweep's file in the database: written from a file on this machine, and read to be driven."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from golf.errors import InputError
from golf.files import read_regular, write_atomically
from jobs.files import FileStore
from jobs.store import SubmissionRecord, SubmittedContent
from jobs.workplace import Workplace
from sweeps.spec.file import SweepSpec
from sweeps.spec.reading import MOST_BYTES as MOST_FILE_BYTES
from sweeps.spec.script.code import MOST_BYTES
from sweeps.spec.script.resolve import script_paths
from sweeps.spec.submitted import is_inside, read_submitted


def read_version(record: SubmissionRecord, place: Workplace) -> tuple[SweepSpec, Path]:
    """A version as it is to be driven: checked, and the folder into which its script's files were written.

    Raises:
        InputError: it is wrong, or a content of it is not in the file store.
        StoreUnavailable: the file store does not answer.
    """
    spec = read_submitted(record.file, record.assignments, record.files)
    if spec.name != record.sweep:
        raise InputError(f"the sweep file names the sweep {spec.name}; expected {record.sweep}")
    folder = place.home.submission(record.ticket)
    write_files(record.files, place.files, folder)
    return spec, folder


def describe_file(file: Path, assignments: Sequence[str], spec: SweepSpec) -> SubmittedContent:
    """What a sweep file on this machine says, in a form that means the same elsewhere; its script's files are not put.

    Args:
        file, assignments: the file, and `--set` values on top of it.
        spec: both, checked.

    Raises:
        InputError: it cannot be read.
    """
    text = read_regular(file, MOST_FILE_BYTES, "expected a sweep file").decode("utf-8-sig", errors="replace")
    return SubmittedContent(file=text, assignments=(*assignments, *_absolute_paths(spec)))


def put_files(content: SubmittedContent, spec: SweepSpec, files: FileStore) -> SubmittedContent:
    """A content with the files of its script, relative to the current folder, which are in the file store from now on.

    Raises:
        InputError: one of them cannot be read.
        StoreUnavailable: the file store does not answer.
    """
    inside = [path for path in script_paths(spec) if is_inside(path)]
    digests = {path: files.put(read_regular(Path(path), MOST_BYTES, "expected a file")) for path in inside}
    return SubmittedContent(file=content.file, assignments=content.assignments, files=digests)


def _absolute_paths(spec: SweepSpec) -> list[str]:
    """Assignments that name a sweep's data wherever they are read."""
    paths = {"data.tokens": spec.data.tokens, "data.tokenizer": spec.data.tokenizer}
    named = {key: str(path) for key, path in paths.items() if path not in (None, "demo")}
    return [f"{key}={json.dumps(str(Path(path).absolute()))}" for key, path in named.items() if path[0] != "/"]


def write_files(files: Mapping[str, str], source: FileStore, folder: Path) -> None:
    """Write the files of a submission from the file store to their paths below a folder.

    Raises:
        InputError: a path leaves the folder, or a content is not in the file store.
        StoreUnavailable: the file store does not answer.
    """
    for path, digest in files.items():
        if not is_inside(path):
            raise InputError(f"{path}: not a path below the folder of the sweep file")
        write_atomically(folder / path, source.get(digest))
