"""Contents by digest: weights, artifacts, scores. A digest is the only address there is.

Any fsspec location serves (a folder by default, s3://… by URL). A content is written under a temporary name and then
renamed, so that what is under a digest is whole; reading checks it once more. What a driver raises because its disk or
service does not answer is mapped once, to StoreUnavailable.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from golf.errors import InputError
from jobs.errors import StoreUnavailable, Unreadable

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileStore:
    """A place for contents.

    Raises (any method): StoreUnavailable if the place does not answer, or has no room; call again later.
    """

    def __init__(self, location: str | Path) -> None:
        """Open a folder or URL; made when first written to.

        Raises:
            InputError: no such kind of location, or its driver is not installed.
        """
        try:
            system, root = fsspec.core.url_to_fs(str(location))
        except (ValueError, ImportError) as error:
            raise InputError(
                f"--files {location}: {error}; expected a folder or a URL such as s3://bucket/path"
            ) from None
        self._system: Any = system
        self._root = str(root)
        self._local = "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))

    def put(self, content: bytes) -> str:
        """Keep a content and return its SHA-256; what is there and damaged is replaced."""
        digest = hashlib.sha256(content).hexdigest()
        with self._answering():
            if not self._holds(digest):
                self._write(self._path(digest), content)
        return digest

    def _holds(self, digest: str) -> bool:
        """Whether a content is there and whole."""
        try:
            self.get(digest)
        except Unreadable:
            return False
        return True

    def _write(self, path: str, content: bytes) -> None:
        temporary = f"{path}.{uuid.uuid4().hex}"
        self._system.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with self._system.open(temporary, "wb") as stream:
                stream.write(content)
                if self._local:
                    stream.flush()
                    os.fsync(stream.fileno())
            self._system.mv(temporary, path)
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
            with self._answering():
                content: bytes = self._system.cat_file(path)
        except FileNotFoundError:
            raise Unreadable(digest, f"file store {self._root}: {digest} is not in it") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise Unreadable(digest, f"file store {self._root}: {path} is damaged; delete it and run the command again")
        return content

    def delete(self, digest: str) -> None:
        """Forget a content that nobody refers to any more; one that is not there is no error."""
        if self.has(digest):
            with self._answering():
                self._system.rm_file(self._path(digest))

    def has(self, digest: str) -> bool:
        """Whether a content is there."""
        path = self._path(digest)
        with self._answering():
            found: bool = self._system.exists(path)
        return found

    def size(self, digest: str) -> int:
        """Bytes of a content."""
        path = self._path(digest)
        with self._answering():
            found: int = self._system.size(path)
        return found

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Map whatever says that the place is out of order."""
        try:
            yield
        except (InputError, FileNotFoundError, StoreUnavailable):
            raise
        except Exception as error:  # every service's driver has errors of its own
            if isinstance(error, OSError) and error.errno:  # it tells a full disk from one that may not be written
                where = error.filename or self._root
                raise StoreUnavailable(error.errno, f"file store: {error.strerror}", where) from error
            raise StoreUnavailable(f"file store {self._root}: {type(error).__name__}: {error}") from error

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no digest: expected 64 hexadecimal digits")
        return f"{self._root}/{digest[:2]}/{digest}"
