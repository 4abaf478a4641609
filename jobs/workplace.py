"""A home folder with its store and files open: what every command works on."""

from dataclasses import dataclass
from pathlib import Path

from golf.errors import InputError
from jobs.files import FileStore
from jobs.paths import Home
from jobs.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """A home folder with its store and files open."""

    home: Home
    store: Store
    files: FileStore
    is_own_pair: bool = False
    """Whether database and file store are the home's own, and so belong together."""

    @classmethod
    def open(cls, root: Path, database: str | None = None, files: str | None = None) -> "Workplace":
        """Open a home, by default with everything inside it.

        Raises:
            InputError: the folder, database or file store cannot be used.
            StoreUnavailable: the database's server does not answer.
        """
        home = Home(root.resolve())
        try:
            home.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--home {root}: cannot be made ({error.strerror}); name a folder to write to") from None
        store, contents = Store.open(database or home.database_url), FileStore(files or str(home.files))
        return cls(home=home, store=store, files=contents, is_own_pair=database is None and files is None)
