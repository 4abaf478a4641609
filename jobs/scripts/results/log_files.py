"""The log files that a script writes beside what it prints, read as they grow."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".txt", ".log")
LOOK_SECONDS = 1.0
MOST_FILES = 2000
"""Of a folder, so many files are looked at."""
MOST_BYTES = 2**23
"""Of a file, so much is read at a look; the rest at the next."""


class LogFiles:
    """The log files in one script's folder."""

    def __init__(self, folder: Path) -> None:
        """Watch a folder; what lies there now is not the script's."""
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self._own = {path for path, _ in self._files()}
        self._looked = 0.0
        self.stamp: object = None
        """Differs from before whenever a file of the folder has changed."""

    def news(self, *, last: bool = False) -> Iterator[tuple[str, bytes]]:
        """Name and new bytes of each file that has grown since the last look; nothing if that was just now.

        Args:
            last: look in any case, and read all.
        """
        if not last and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        files = list(self._files())
        self.stamp = {(path, status.st_size, status.st_mtime_ns) for path, status in files}
        for path, status in files:
            if path.suffix in SUFFIXES and path not in self._own:
                yield from self._grown(path, status.st_size, last)

    def _grown(self, path: Path, size: int, last: bool) -> Iterator[tuple[str, bytes]]:
        offset = self._offsets.get(path, 0)
        if size < offset:  # written anew
            offset = 0
        try:
            with path.open("rb") as stream:
                stream.seek(offset)
                while content := stream.read(MOST_BYTES):
                    offset += len(content)
                    yield str(path.relative_to(self._folder)), content
                    if not last:
                        break
        except OSError:  # it is gone again
            return
        self._offsets[path] = offset

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Regular files and their states; links are not followed."""
        number = 0
        for folder, folders, names in os.walk(self._folder):
            folders.sort()
            for name in sorted(names):
                number += 1
                if number > MOST_FILES:
                    return
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield path, status
