"""Contents that tasks are handed: the last few stay in memory, one object each, however many tasks take them."""

from jobs.files import FileStore

KEPT = 8


class Contents:
    """A file store whose last few contents are remembered."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._kept: dict[str, bytes] = {}

    def get(self, digest: str) -> bytes:
        """The content of a digest; raises what `FileStore.get` does."""
        if digest not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[digest] = self._files.get(digest)
        return self._kept[digest]

    def delete(self, digest: str) -> None:
        """Forget a content that nobody refers to any more."""
        self._kept.pop(digest, None)
        self._files.delete(digest)
