"""Contents by digest: weights, artifacts, scores. A digest is the only address there is.

Any fsspec location serves (a folder by default, s3://… by URL). A content is written under a temporary name and then
renamed, so that a file named by a digest is complete; reading checks it once more. Errors of a disk or service that
does not answer are mapped once, to StoreUnavailable.
"""

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec

from golf.errors import InputError, shown
from jobs.errors import Forbidden, StoreUnavailable, Unreadable
from jobs.secrets import hide_password, hide_passwords

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"(?P<digest>[0-9a-f]{64})(?P<temporary>\.[0-9a-f]{32})?")
BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss"})
"""Protocols of services without folders, whose `makedirs` makes buckets."""
IDENTITY = "golfsweep-store-id"
"""The file of a file store that tells it from others."""
REMADE = "golfsweep run FILE makes an entry's evidence again"
REWRITTEN_SECONDS = 1800.0
"""Age from which a content that is put once more is written again; well below the age that `golfsweep gc` spares."""


def do_nothing() -> None:
    """What happens between two parts of a content where nobody waits."""


def checked_digest(digest: str) -> str:
    """A digest, which a database whose rows somebody else has written may not have in its place.

    Raises:
        Unreadable: it is none, so that no content has it.
    """
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise Unreadable(str(digest), f"{shown(str(digest))} is not a digest: expected 64 hexadecimal digits")
    return digest


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file of a file store."""

    path: str
    digest: str | None
    """None of a temporary file, which holds a part of a content."""
    size: int
    age_seconds: float


class FileStore:
    """A folder or bucket of contents.

    Raises (any method): StoreUnavailable if it does not answer, or has no room; call again later.
    """

    def __init__(self, location: str | Path) -> None:
        """Open a folder or URL; made when first written to.

        Raises:
            InputError: no such kind of location, or its driver is not installed.
        """
        try:
            system, root = fsspec.core.url_to_fs(str(location))
        except ImportError as error:
            extra = "golfsweep[s3]" if str(location).startswith("s3") else "the package that it names"
            shown = hide_password(str(location))
            raise InputError(f"--files {shown}: its driver is missing ({error}); pip install {extra}") from None
        except ValueError as error:
            shown, reason = hide_password(str(location)), hide_passwords(str(error))
            raise InputError(
                f"--files {shown}: {reason}; expected a folder or a URL such as s3://bucket/path"
            ) from None
        self._system: Any = system
        self._root = str(root)
        self._shown = hide_password(self._root)
        protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
        self._local, self._has_buckets = "file" in protocols, bool(protocols & BUCKETS)
        self.on_progress: Callable[[], None] = do_nothing
        """Called between parts of a long content, so that nobody takes a slow line for a dead process."""

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine, or mounted on it."""
        return self._local

    @property
    def location(self) -> str:
        """Its path or URL, without keys."""
        if self._local:
            return os.path.realpath(self._root)
        return hide_password(str(self._system.unstrip_protocol(self._root)))

    def require_bucket(self) -> None:
        """Make sure that the bucket of a URL exists: it is never made, because its name may be a slip.

        Raises:
            InputError: there is no such bucket.
        """
        bucket = self._root.strip("/").split("/")[0]
        with self._mapping_errors():
            if self._has_buckets and not self._system.exists(bucket):
                raise InputError(f'--files {self.location}: no bucket "{bucket}"; make it first, or correct the name')

    def identity(self) -> str | None:
        """What tells this place from others, whatever path leads to it; None where nobody has written it down yet."""
        try:
            with self._mapping_errors():
                return str(self._system.cat_file(f"{self._root}/{IDENTITY}").decode().strip())
        except FileNotFoundError:
            return None

    def make_identity(self) -> str:
        """Give this place an identity; that of another process if it was faster."""
        self.write_identity(uuid.uuid4().hex)
        return self.identity() or ""

    def write_identity(self, identity: str) -> None:
        """Write down what tells this place from others."""
        with self._mapping_errors():
            self._write(f"{self._root}/{IDENTITY}", f"{identity}\n".encode())

    def put(self, content: bytes) -> str:
        """Keep a content and return its SHA-256.

        A damaged file is replaced, and so is an old one: `golfsweep gc` spares new files, and must not delete this one
        before the caller has written down that it needs it.
        """
        digest = hashlib.sha256(content).hexdigest()
        with self._mapping_errors():
            try:
                is_there = self._holds(digest)
            except Forbidden:  # its owner keeps it to himself; the same content takes its place
                self._write(self._path(digest), content)
                return digest
            if not is_there:
                self._move_folder_aside(self._path(digest))  # a file is replaced by the rename, also one just written
                self._write(self._path(digest), content)
            elif self.age_seconds(self._path(digest)) >= REWRITTEN_SECONDS:
                self._write(self._path(digest), content)
        return digest

    def is_whole(self, digest: str) -> bool:
        """Whether a content is there and undamaged.

        Raises:
            StoreUnavailable: it is there, and this user may not read it.
        """
        try:
            return self._holds(digest)
        except Forbidden as error:
            raise StoreUnavailable(str(error)) from None

    def _holds(self, digest: str) -> bool:
        try:
            self.get(digest)
        except Forbidden:
            raise
        except Unreadable:
            return False
        return True

    def age_seconds(self, path: str) -> float:
        """Seconds since a file was written; 0 where it is not there, or its place cannot tell."""
        try:
            with self._mapping_errors():
                written: datetime = self._system.modified(path)
                return max(0.0, time.time() - written.timestamp())
        except (FileNotFoundError, NotImplementedError):
            return 0.0

    def _write(self, path: str, content: bytes) -> None:
        temporary = f"{path}.{uuid.uuid4().hex}"  # a name that `files` knows as temporary
        if not self._has_buckets:  # there it would make the bucket
            self._system.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with self._system.open(temporary, "wb") as stream:
                stream.write(content)
                if self._local:
                    stream.flush()
                    os.fsync(stream.fileno())
            self._system.mv(temporary, path)
        except FileNotFoundError as error:  # its bucket, or the folder at this moment, is gone
            raise StoreUnavailable(f"file store {self._root} unavailable: {error}") from error
        except BaseException:
            if self._system.exists(temporary):
                self._system.rm(temporary)
            raise

    def get(self, digest: str) -> bytes:
        """The content of a digest.

        Raises:
            Unreadable: it is not there, or is no longer what it was.
        """
        path = self._path(digest)
        try:
            with self._mapping_errors():
                content: bytes = self._system.cat_file(path)
        except FileNotFoundError:
            raise Unreadable(digest, f"file store {self._shown}: {digest} is not in it; {REMADE}") from None
        except StoreUnavailable:
            why = _why_unreadable(path) if self._local else None
            if why == os.strerror(errno.EACCES):
                hint = "let its owner make it readable, or delete it, and it is made again"
                raise Forbidden(digest, f"file store {self._shown}: {path} cannot be read ({why}); {hint}") from None
            if why:
                raise Unreadable(digest, f"file store {self._shown}: {path} cannot be read ({why}); {REMADE}") from None
            raise
        if hashlib.sha256(content).hexdigest() != digest:
            raise Unreadable(digest, f"file store {self._shown}: {hide_password(path)} is damaged; {REMADE}")
        return content

    def read_part(self, digest: str, start: int, stop: int) -> bytes:
        """Some bytes of a content as they lie there: whoever has read all of it checks the digest.

        Raises:
            Unreadable: it is not there.
        """
        try:
            with self._mapping_errors():
                return bytes(self._system.cat_file(self._path(digest), start=start, end=stop))
        except FileNotFoundError:
            raise Unreadable(digest, f"file store {self._shown}: {digest} is not in it; {REMADE}") from None

    def discard_damaged(self, digest: str) -> None:
        """Remove what lies in the place of a content and is not the content; a folder there is renamed, not deleted."""
        path, aside = self._path(digest), f"{self._path(digest)}.{uuid.uuid4().hex}"
        if self.is_whole(digest):
            return
        with self._mapping_errors():
            if self._move_folder_aside(path) or not self._system.exists(path):
                return
            self._system.mv(path, aside)
            if hashlib.sha256(self._system.cat_file(aside)).hexdigest() == digest:  # somebody has just made it again
                self._system.mv(aside, path)
            else:
                self._system.rm_file(aside)

    def _move_folder_aside(self, path: str) -> bool:
        """Rename a folder that lies in the place of a content; returns whether there was one."""
        if not self._system.isdir(path):
            return False
        self._system.mv(path, f"{path}.{uuid.uuid4().hex}", recursive=True)
        return True

    def delete(self, digest: str) -> None:
        """Delete a content that nothing refers to any more; no error if it is not there."""
        self.delete_file(self._path(digest))

    def delete_file(self, path: str) -> None:
        """Delete a file that `files` has listed; no error if it is not there."""
        with self._mapping_errors():
            if self._system.exists(path):
                self._system.rm_file(path)

    def files(self) -> Iterator[StoredFile]:
        """Every content and every temporary file that a crash has left; files of other names are not ours."""
        with self._mapping_errors():
            details = self._system.find(self._root, detail=True) if self._system.exists(self._root) else {}
        for path, facts in details.items():
            if match := _FILE.fullmatch(path.rpartition("/")[2]):
                digest = None if match["temporary"] else match["digest"]
                yield StoredFile(path=path, digest=digest, size=facts["size"], age_seconds=self.age_seconds(path))

    def has(self, digest: str) -> bool:
        """Whether a content is there."""
        with self._mapping_errors():
            return bool(self._system.exists(self._path(digest)))

    def size(self, digest: str) -> int:
        """Bytes of a content."""
        with self._mapping_errors():
            return int(self._system.size(self._path(digest)))

    @contextmanager
    def _mapping_errors(self) -> Iterator[None]:
        """Map errors after which the same call may succeed later."""
        try:
            yield
        except (InputError, FileNotFoundError, NotImplementedError, StoreUnavailable):
            raise
        except Exception as error:  # every service's driver has errors of its own
            if isinstance(error, OSError) and error.errno:  # its number tells what to do: free space, say
                where = hide_password(str(error.filename or self._root))
                raise StoreUnavailable(
                    error.errno, f"file store: {hide_passwords(str(error.strerror))}", where
                ) from error
            reason = f"{type(error).__name__}: {error}"
            raise StoreUnavailable(f"file store {self._shown} unavailable: {hide_passwords(reason)}") from error

    def _path(self, digest: str) -> str:
        return f"{self._root}/{checked_digest(digest)[:2]}/{digest}"


def _why_unreadable(path: str) -> str | None:
    """What is wrong with a file of this machine that is there and cannot be read; None if nothing is."""
    try:
        with open(path, "rb") as stream:
            stream.read(1)
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        return error.strerror
    except OSError as error:
        return error.strerror if error.errno == errno.EIO else None
    return None
