"""Contents that arrive in parts: each part is kept on this machine's disk until the whole has the right digest."""

import hashlib
import time
from pathlib import Path
from threading import Lock

from golf.errors import InputError
from jobs.errors import StoreUnavailable
from jobs.workplace import Workplace

MOST_OPEN = 64
"""Uploads that may be unfinished at a time."""
KEPT_SECONDS = 86400.0
"""After which a part that nobody went on with is removed."""


class Uploads:
    """Unfinished contents, each under its digest and the token that sends it: nobody can spoil another one's."""

    def __init__(self, place: Workplace, most_bytes: int) -> None:
        """Begin with what an earlier process has left in the place's folder; a content has at most so many bytes."""
        self._place, self._most = place, most_bytes
        self._lock = Lock()

    def received(self, digest: str, sender: str, size: int) -> int:
        """How much of a content of so many bytes is here: all of it where it is in the file store, undamaged."""
        self._check_size(size)
        with self._lock:
            if (path := self._path(digest, sender)).exists():
                return path.stat().st_size
        if not self._place.files.is_whole(digest):
            return 0
        self._place.files.put(self._place.files.get(digest))  # it counts as new then, and golfsweep gc spares it
        return size

    def add(self, digest: str, sender: str, start: int, size: int, part: bytes) -> int:
        """Take a part of a content if it goes on where the last one ended; returns how much of it is here then.

        Raises:
            InputError: the content is too large, or has another digest.
            StoreUnavailable: the file store does not answer, or too many uploads are unfinished.
        """
        self._check_size(size)
        if start == 0 and len(part) == size:
            self._keep(digest, part)
            return size
        path = self._path(digest, sender)
        with self._lock:
            if start == 0 and not path.exists():
                self._make_room()
            here = path.stat().st_size if path.exists() else 0
            if start != here or start + len(part) > size:
                return here
            with path.open("ab") as stream:
                stream.write(part)
            if here + len(part) < size:
                return here + len(part)
            content = path.read_bytes()
            path.unlink()
        self._keep(digest, content)
        return size

    def _keep(self, digest: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputError(f"content {digest[:12]}…: what arrived has another digest; send it again from its start")
        self._place.files.put(content)

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise InputError(f"Content-Range: a content of {size:,} bytes; expected at most {self._most:,}")

    def _make_room(self) -> None:
        self._place.home.uploads.mkdir(parents=True, exist_ok=True)
        now, unfinished = time.time(), 0
        for path in self._place.home.uploads.iterdir():
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)
            else:
                unfinished += 1
        if unfinished >= MOST_OPEN:
            raise StoreUnavailable(f"{unfinished} uploads are unfinished; at most {MOST_OPEN} at a time")

    def _path(self, digest: str, sender: str) -> Path:
        return self._place.home.uploads / f"{digest}.{sender}"
