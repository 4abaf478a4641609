"""Contents by digest that lie at the service: moved in parts, so that a break costs one part and not the whole."""

import hashlib
import json
from collections.abc import Iterator
from typing import NoReturn

from golf.errors import InputError
from jobs.errors import StoreUnavailable, Unreadable
from jobs.files import REMADE, FileStore, StoredFile, checked_digest, do_nothing
from jobs.remote.connection import Connection

PART_BYTES = 2 * 2**20
"""Of a content in one request; the service takes at most 4 MiB."""
BINARY = {"Content-Type": "application/octet-stream"}


class RemoteFiles(FileStore):
    """The contents of a service. What is put is taken only if its digest is right; what is got is checked here.

    Raises (any method): StoreUnavailable if the service does not answer, or has no room; call again later: what has
    arrived of a content until then is not sent again.
    """

    def __init__(self, connection: Connection) -> None:
        self._remote = connection
        self.on_progress = do_nothing
        self._arrived: dict[str, bytearray] = {}
        """The beginnings of contents whose reading broke off."""

    @property
    def is_local(self) -> bool:
        """They lie at the service."""
        return False

    @property
    def location(self) -> str:
        """The service's URL."""
        return self._remote.url

    def get(self, digest: str) -> bytes:
        """The content of a digest.

        Raises:
            Unreadable: it is not there, or is no longer what it was.
        """
        for is_last in (False, True):  # a part of an earlier try may be of a file that was replaced since
            content = self._fetch(digest)
            if hashlib.sha256(content).hexdigest() == digest:
                return content
            if is_last:
                break
        raise Unreadable(digest, f"file store {self.location}: {digest} is damaged; {REMADE}")

    def put(self, content: bytes) -> str:
        """Keep a content and return its SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        received = self._send_part(digest, content, None if len(content) > PART_BYTES else 0)
        while received < len(content):
            before, received = received, self._send_part(digest, content, received)
            if received == before:
                raise StoreUnavailable(f"server {self.location}: it does not take the rest of {digest[:12]}…")
        return digest

    def has(self, digest: str) -> bool:
        """Whether a content is there."""
        return self._remote.send("HEAD", f"/contents/{checked_digest(digest)}").status_code == 200

    def size(self, digest: str) -> int:
        """Bytes of a content."""
        answer = self._remote.send("HEAD", f"/contents/{checked_digest(digest)}")
        if answer.status_code != 200:
            raise FileNotFoundError(f"{digest} is not in {self.location}")
        return int(answer.headers["content-length"])

    def discard_damaged(self, digest: str) -> None:
        """Have the service look, and remove what is not the content."""
        self.delete(digest)

    def delete(self, digest: str) -> None:
        """Have the service delete a content that is damaged, or that nothing refers to any more."""
        self._remote.send("DELETE", f"/contents/{checked_digest(digest)}")

    def require_bucket(self) -> None:
        """The service has seen to it."""

    def files(self) -> Iterator[StoredFile]:
        """Only the service sees files."""
        self._refuse()

    def identity(self) -> str | None:
        """Only the service knows."""
        self._refuse()

    def write_identity(self, identity: str) -> None:
        """Only the service writes it."""
        self._refuse()

    def delete_file(self, path: str) -> None:
        """Only the service sees files."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(f"--server {self.location}: its files are maintained where they are; give --db and --files")

    def _fetch(self, digest: str) -> bytes:
        arrived = self._arrived.setdefault(digest, bytearray())
        while True:
            last = len(arrived) + PART_BYTES - 1
            answer = self._remote.send(
                "GET", f"/contents/{checked_digest(digest)}", headers={"Range": f"bytes={len(arrived)}-{last}"}
            )
            self.on_progress()
            if answer.status_code == 206:
                arrived += answer.content
            if answer.status_code != 206 or len(arrived) >= _whole_size(answer.headers.get("content-range", "")):
                del self._arrived[digest]  # 416: there is nothing beyond what has arrived; 200: all of it at once
                return answer.content if answer.status_code == 200 else bytes(arrived)

    def _send_part(self, digest: str, content: bytes, start: int | None) -> int:
        """Send the part of a content that begins at `start`, or only ask; returns how much of it the service has."""
        part = b"" if start is None else content[start : start + PART_BYTES]
        extent = f"{start}-{(start or 0) + len(part) - 1}" if part else "*"
        headers = {**BINARY, "Content-Range": f"bytes {extent}/{len(content)}"}
        answer = self._remote.send("PUT", f"/contents/{checked_digest(digest)}", part, headers)
        self.on_progress()
        try:
            return int(json.loads(answer.content)["received"])
        except (ValueError, KeyError, TypeError):
            raise StoreUnavailable(
                f"server {self.location}: its answer to a part of a content makes no sense"
            ) from None


def _whole_size(content_range: str) -> int:
    """Bytes of a whole content, from the Content-Range header of one of its parts."""
    _, slash, size = content_range.rpartition("/")
    if not slash or not size.isdecimal():
        raise StoreUnavailable("the server's answer to a request for a part of a content makes no sense")
    return int(size)
