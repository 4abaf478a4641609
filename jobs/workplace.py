"""A home folder with its store and files open: what every command works on."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from golf.errors import InputError
from jobs.errors import NO_SPACE, StoreUnavailable
from jobs.files import IDENTITY, FileStore
from jobs.machine.host import identity
from jobs.paths import Home
from jobs.store import FileStoreRecord, Store

if TYPE_CHECKING:
    from jobs.remote.connection import Connection, ServerAddress

LOOKED_FOR = 200
"""Contents of a database that are looked for in a file store before it counts as another's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """A home folder with its store and files open."""

    home: Home
    store: Store
    files: FileStore
    is_own_pair: bool = False
    """Whether database and file store are the home's own, and so belong together."""
    made: Path | None = None
    """The outermost folder that was made for this home; None if the home was there."""
    connection: "Connection | None" = None
    """To the service whose store and contents these are; it sees to it that they belong together."""

    @property
    def server(self) -> str | None:
        """URL of the service that it is at, if it is at one."""
        return None if self.connection is None else self.connection.url

    @classmethod
    def open(cls, root: Path, database: str | None = None, files: str | None = None) -> "Workplace":
        """Open a home, by default with everything inside it; what is missing is made.

        Raises:
            InputError: the folder, database or file store cannot be used.
            StoreUnavailable: the database's server does not answer.
        """
        home = Home(root.resolve())
        made = next((path for path in [*reversed(home.root.parents), home.root] if not path.exists()), None)
        contents = FileStore(files or str(home.files))
        try:
            home.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise
            raise InputError(f"--home {root}: cannot be made ({error.strerror}); name a folder to write to") from None
        try:
            store = Store.open(database or home.database_url)
        except BaseException:
            _remove(home, made)
            raise
        return cls(home=home, store=store, files=contents, is_own_pair=not database and not files, made=made)

    @classmethod
    def open_to_read(cls, root: Path, database: str | None = None, files: str | None = None) -> "Workplace":
        """Open a home for somebody who only looks, and may not be allowed to write; nothing is made.

        Raises:
            InputError: there is no such folder or database, or it cannot be used.
            StoreUnavailable: the database's server does not answer.
        """
        home = Home(root.resolve())
        if database is None and not home.root.is_dir():
            raise InputError(f"--home {root}: no such folder; golfsweep run FILE --home {root} would make it")
        if database is None and not home.database.exists():
            store = Store.empty()
        else:
            store = Store.open(database or home.database_url, reading=True)
        return cls(
            home=home, store=store, files=FileStore(files or str(home.files)), is_own_pair=not database and not files
        )

    @classmethod
    def at_server(cls, root: Path, address: "ServerAddress") -> "Workplace":
        """The store and contents of a service; the folder is for what this machine makes, and nothing is made now.

        Nothing is sent either: whether the service answers shows with the first use.
        """
        from jobs.remote.connection import Connection
        from jobs.remote.files import RemoteFiles
        from jobs.remote.store import RemoteStore

        connection = Connection(address)
        store, files = RemoteStore(connection), RemoteFiles(connection)
        return cls(home=Home(root.resolve()), store=store, files=files, connection=connection)

    @classmethod
    def empty(cls, root: Path) -> "Workplace":
        """A home in which nothing has been run yet; nothing is made."""
        home = Home(root.resolve())
        return cls(home=home, store=Store.empty(), files=FileStore(str(home.files)), is_own_pair=True)

    def remove_if_unused(self) -> bool:
        """Remove the folder of a home that was made for a run which never started; returns whether it was so."""
        if self.made is None:
            return False
        with suppress(StoreUnavailable):
            used = self.store.sweeps() or self.store.records() or self.store.live_drivers()
            if not used:
                self.store.close()
                _remove(self.home, self.made)
                return True
        return False

    def claim_files(self) -> None:
        """Make sure that this file store is where the database's contents lie; the first run writes that down.

        The place is known by an identity file, whatever its path is called on this machine.

        Raises:
            InputError: they lie elsewhere, or the bucket does not exist.
            StoreUnavailable: it does not answer, or has no room.
        """
        if self.server is not None:
            return
        self.files.require_bucket()
        known, here = self.store.file_store(), self.files.identity()
        if known is not None and here == known.id:
            return
        if known is not None and here is None and self._holds_contents():  # only its identity file is lost
            self.files.write_identity(known.id)
            return
        others = self.store.live_drivers()
        if (self._needed() and (known is not None or not self._holds_contents())) or (known is not None and others[1:]):
            raise InputError(self._elsewhere(known))
        ours = FileStoreRecord(
            id=here or self.files.make_identity(),
            location=self.files.location,
            host=identity() if self.files.is_local else None,
            recorded=0.0,
        )
        written = self.store.record_file_store(ours, instead_of=known)
        if written.id != ours.id:
            if (written.location, written.host) != (ours.location, ours.host):
                raise InputError(self._elsewhere(written))
            self.files.write_identity(written.id)  # both made one for this place, and the other's is written down

    def find_elsewhere(self) -> str | None:
        """Where the database's contents lie, if that is not this file store."""
        if self.server is not None:
            return None
        known = self.store.file_store()
        here = self.files.identity()
        if known is None or here == known.id or (here is None and self._holds_contents()):
            return None
        return self._elsewhere(known)

    def _elsewhere(self, known: FileStoreRecord | None) -> str:
        given = f"file store {self.files.location}"
        if known is None:
            return f"{given}: holds none of the contents that this database needs; give the --files that belongs to it"
        if known.location == self.files.location and known.host in (None, identity()):
            return (
                f"{given}: this database's contents are gone from it; put them back, or write {known.id} into its file "
                f"{IDENTITY}, and the next run of each sweep makes the evidence of its entries again"
            )
        where = known.location + (f" on {known.host}" if known.host else "")
        return (
            f"{given}: not where this database's contents are, which is {where}; give that as --files, or move "
            f"everything in it here, with its file {IDENTITY} ({known.id})"
        )

    def _needed(self) -> list[str]:
        """Some of the contents that the database needs."""
        needed = (digest for digest, reason in self.store.known_contents().items() if reason is None)
        return list(islice(needed, LOOKED_FOR))

    def _holds_contents(self) -> bool:
        return any(self.files.has(digest) for digest in self._needed())


def _remove(home: Home, made: Path | None) -> None:
    """Remove what was made for a home in which nothing has run, and its folders as far as nothing else is in them.

    Args:
        home: the home.
        made: the outermost folder that was made for it; None if the home was there.
    """
    if made is None:
        return
    names = (home.database.name, f"{home.database.name}-wal", f"{home.database.name}-shm")
    for path in (*(home.root / name for name in names), home.files / IDENTITY):
        path.unlink(missing_ok=True)
    shutil.rmtree(home.demo, ignore_errors=True)
    for folder in (home.files, home.demo.parent, home.reports, home.attempts):
        with suppress(OSError):
            folder.rmdir()
    for folder in (home.root, *home.root.parents):
        try:
            folder.rmdir()
        except OSError:  # somebody else's files are in it
            return
        if folder == made:
            return
