"""Contents that tasks read and make: the last few that were read stay in memory, and sizes of those that were put."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.files import FileStore

CONTENTS_IN_MEMORY = 8


class Contents:
    """A file store as a scheduler uses it: reads each content once, and can tell the sizes of what it has put."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._kept: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        """Bytes of contents that were put and that no job has been finished with yet."""

    def get(self, digest: str) -> bytes:
        """The content of a digest; raises what `FileStore.get` does."""
        if digest not in self._kept:
            while len(self._kept) >= CONTENTS_IN_MEMORY:
                self._kept.pop(next(iter(self._kept)))
            self._kept[digest] = self._files.get(digest)
        return self._kept[digest]

    def put(self, content: bytes) -> str:
        """Keep a content and return its digest; raises what `FileStore.put` does."""
        digest = self._files.put(content)
        self._sizes[digest] = len(content)
        return digest

    def sizes_of(self, outputs: Mapping[str, Any]) -> dict[str, int]:
        """Bytes by digest of those of a job's outputs that were put here."""
        digests = [value for value in outputs.values() if isinstance(value, str)]
        return {digest: self._sizes[digest] for digest in digests if digest in self._sizes}

    def forget_sizes(self, digests: Iterable[str]) -> None:
        """The store has these contents' sizes now."""
        for digest in digests:
            self._sizes.pop(digest, None)

    def discard_damaged(self, digest: str) -> None:
        """Make room for a content that could not be read and is made again."""
        self._kept.pop(digest, None)
        self._files.discard_damaged(digest)

    def delete(self, digest: str) -> None:
        """Delete a content that nothing refers to any more."""
        self._kept.pop(digest, None)
        self._files.delete(digest)
