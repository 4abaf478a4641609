"""The store that a command about the service works on, closed at the command's end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sweeps.cli.app import open_sweeps, open_to_read


@contextmanager
def reading_store(home: Path, db: str | None) -> Iterator[Any]:
    """The store of a home or service, to be read."""
    store = open_to_read(home, db, None).store
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing_store(home: Path, db: str | None) -> Iterator[Any]:
    """The same, to be written to; a home that does not exist is not made for this."""
    store = open_sweeps(home, db, None, None, to_write=True)[0].store
    try:
        yield store
    finally:
        store.close()
