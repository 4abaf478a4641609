"""An empty store, on SQLite and, where a server is installed, on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.store import Store
from tests.jobs.stores import Clock, empty_database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/it's a store.db"
        return
    yield empty_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    opened = Store.open(url, clock)
    for sweep in ("s", "other"):
        opened.put_sweep(sweep, {})
    yield opened
    opened.close()
