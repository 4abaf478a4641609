"""A record folder that comes as a zip file: unpacked within bounds, so that nothing lands outside or fills the disk."""

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

from golf.errors import InputError, shown_name

MOST_FILES = 2_000
MOST_DEPTH = 6
MOST_BYTES = 256 << 20
"""Of all files together, unpacked."""
CHUNK_BYTES = 1 << 20


def unpack_archive(content: bytes, folder: Path) -> None:
    """Unpack a zip file into an empty folder.

    Links, devices, absolute paths and paths that lead upwards are refused, and so is an archive that is larger than
    any record, by what comes out of it and not by what it says of itself.

    Raises:
        InputError: it is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES:
                raise InputError(f"archive: {len(members)} files; expected at most {MOST_FILES}")
            left = MOST_BYTES
            for member in members:
                left -= _unpack(archive, member, folder, left)
    except InputError:
        raise
    except Exception:  # zlib, lzma, struct and zipfile itself each have errors of their own for damaged archives
        raise InputError("archive: not a zip file that can be read; expected the record's folder as a zip") from None


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, most: int) -> int:
    """Unpack one file; returns its bytes."""
    path, mode = PurePosixPath(member.filename), member.external_attr >> 16
    parts = path.parts
    if path.is_absolute() or not parts or ".." in parts or "\\" in member.filename or len(parts) > MOST_DEPTH:
        raise InputError(f"archive: {shown_name(member.filename)} leads out of its folder, or too deep")
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise InputError(f"archive: {shown_name(member.filename)} is no regular file; expected files and folders alone")
    target, taken = folder.joinpath(*parts), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("xb") as sink:
            while chunk := source.read(CHUNK_BYTES):
                taken += len(chunk)
                if taken > most:
                    raise InputError(f"archive: more than {MOST_BYTES >> 20} MiB unpacked; expected a record's folder")
                sink.write(chunk)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"archive: {shown_name(member.filename)} cannot be unpacked ({reason})") from None
    return taken
