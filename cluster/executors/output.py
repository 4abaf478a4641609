"""What a gang prints: read from a pipe as it comes, handed on, and kept in a file that cannot fill a disk."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from golf.threads import BackgroundThread

HEAD_BYTES = 2**21
"""Of what is printed, so much of the beginning is kept in any case."""
TAIL_BYTES = 2**21
"""And so much of the end."""
REWRITE_SECONDS = 1.0
"""How often the end is written anew."""
READ_BYTES = 2**20
NEWS_BYTES = 2**22
NEWS_SECONDS = 0.5
"""Time for what is printed, at one look."""
BACKLOG_BYTES = 2**26
"""What is printed and not yet looked at; a gang that prints more waits."""
LAST_SECONDS = 5.0
"""Time to read what a gang printed last: a process that nobody could end may hold on to the pipe."""


class Output:
    """The pipe into which a gang prints, and a thread that reads it, so that a gang hardly ever waits."""

    def __init__(self, path: Path) -> None:
        """Open the pipe, and the file in which what comes is kept."""
        self._log = BoundedLog(path)
        self._read_end, self.write_end = os.pipe()
        self._thread = BackgroundThread("output", self._read)
        self._backlog = bytearray()
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begin to read; the gang has the other end by now."""
        os.close(self.write_end)
        self._thread.start()

    def abandon(self) -> None:
        """Close it: there is no gang."""
        os.close(self.write_end)
        os.close(self._read_end)
        self._log.close()

    def news(self) -> bytes:
        """What was printed since the last call, or as much of it as can be read in a moment."""
        with self._changed:
            content = bytes(self._backlog[:NEWS_BYTES])
            del self._backlog[:NEWS_BYTES]
            self._changed.notify()
        return content

    def all_news(self) -> Iterator[bytes]:
        """What was printed since the last call, in pieces, until all has been looked at or it takes too long."""
        until = time.monotonic() + NEWS_SECONDS
        while True:
            content = self.news()
            yield content
            if len(content) < NEWS_BYTES or time.monotonic() > until:
                return

    def rest(self) -> Iterator[bytes]:
        """What is left, when all who print have ended; of a process that prints on, no more than had to wait."""
        until, left = time.monotonic() + LAST_SECONDS, BACKLOG_BYTES + NEWS_BYTES
        while self._thread.is_running and time.monotonic() < until and left > 0:
            self._thread.join(0.01)
            content = self.news()
            if len(content) == NEWS_BYTES:  # there is more than could be looked at while it ran
                until = time.monotonic() + LAST_SECONDS
            left -= len(content)
            yield content
        while left > 0 and (content := self.news()):
            left -= len(content)
            yield content

    def _read(self) -> None:
        while content := os.read(self._read_end, READ_BYTES):
            self._log.write(content)
            with self._changed:
                self._changed.wait_for(lambda: len(self._backlog) < BACKLOG_BYTES)
                self._backlog += content
        os.close(self._read_end)
        self._log.close()


class BoundedLog:
    """A file that is appended to and keeps the beginning and the end of very much.

    Of very much the end is in memory, and in the file as it was within the last second.
    """

    def __init__(self, path: Path, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        """Open it; it grows to `head + 2 * tail` bytes and a line at most."""
        self._path, self._head, self._tail = path, head, tail
        self._stream = path.open("ab", buffering=0)
        self._end: bytearray | None = None
        self._omitted, self._written = 0, 0.0

    def write(self, content: bytes) -> None:
        """Append; what finds no room on the disk is left out."""
        with suppress(OSError):
            if self._end is None:
                self._stream.write(content)
                if self._stream.tell() <= self._head + 2 * self._tail:
                    return
                with self._path.open("rb") as stream:
                    stream.seek(self._head)
                    self._end = bytearray(stream.read())
            else:
                self._end += content
            if len(self._end) > 2 * self._tail:
                self._shorten()
            if time.monotonic() - self._written > REWRITE_SECONDS:
                self._rewrite()

    def close(self) -> None:
        """Shorten it for the last time, and close it."""
        with suppress(OSError):
            if self._end is None and self._stream.tell() > self._head + self._tail:
                self._end = bytearray(self._path.read_bytes()[self._head :])
            if self._end is not None:
                self._shorten()
                self._rewrite()
        self._stream.close()

    def _shorten(self) -> None:
        assert self._end is not None
        self._omitted += len(self._end) - self._tail
        del self._end[: -self._tail]

    def _rewrite(self) -> None:
        """Write what follows the beginning anew."""
        assert self._end is not None
        note = f"\n[{self._omitted} bytes left out here]\n".encode() if self._omitted else b""
        self._stream.truncate(self._head)
        self._stream.write(note + self._end)
        self._written = time.monotonic()
