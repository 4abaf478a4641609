"""Read files that somebody else may have made, and write files atomically."""

import io
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from golf.errors import InputError, shown

GROWTH_BYTES = 2**20
"""Read at once beyond the size that a file states."""


def open_regular(path: Path, expected: str) -> io.BufferedReader:
    """Open a regular file for reading.

    A named pipe would wait for a writer and a device may never end, so neither is read.

    Args:
        path: the file.
        expected: the end of an error message, e.g. "expected a token shard".

    Raises:
        InputError: it is missing, cannot be read, or is a folder, pipe, socket or device.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from None
    except ValueError:  # a path with a zero byte
        raise InputError(f"{shown(str(path))}: no path of a file; {expected}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path}: not a file; {expected}")
    return open(descriptor, "rb")


def read_regular(path: Path, most_bytes: int, expected: str) -> bytes:
    """Read a regular file of at most `most_bytes`; see `open_regular`.

    Raises:
        InputError: as `open_regular`, or it is larger, which is found out before it is read.
    """
    with open_regular(path, expected) as stream:
        if (size := os.fstat(stream.fileno()).st_size) > most_bytes:
            raise InputError(f"{path}: {size} bytes; {expected} of at most {most_bytes}")
        try:
            content = stream.read(size)  # takes memory for as much as it is asked for
            while len(content) <= most_bytes and (more := stream.read(GROWTH_BYTES)):  # a file that grows, or of /proc
                content += more
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from None
    if len(content) > most_bytes:
        raise InputError(f"{path}: over {most_bytes} bytes; {expected} of at most {most_bytes}")
    return content


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Write a file, its content or the parts of it, so that readers see the old content or the new, never a part of it.

    Writes to a temporary file in the same folder, flushes it to disk and renames it. Permissions follow the umask, so
    that a team can read each other's results.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            stream.writelines([content] if isinstance(content, bytes) else content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say for which file
            error.filename = str(path)
        raise
