"""What many tests share: the bundled corpus, built once, and a digest cache of the tests' own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from golf.corpus import DemoData, build_demo
from tests.postgresql import Server, find_binaries

# The same examples everywhere: a test that fails in CI fails on the next desk, too.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


RAY_FILES = ("test_end_to_end.py", "test_executors.py")
"""Tests that start Ray and gangs; they take the longest, one after another."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes test, those of a file stay together; one process alone has Ray, and begins with it."""
    items.sort(key=lambda item: item.path.name not in RAY_FILES)
    for item in items:
        group = "ray" if item.path.name in RAY_FILES else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep remembered digests out of the user's home; processes that tests start inherit it."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    del os.environ["XDG_CACHE_HOME"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoData:
    """The bundled corpus as shards and tokenizer, under a path that needs quoting."""
    return build_demo(tmp_path_factory.mktemp("it's a home") / "demo")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running PostgreSQL server."""
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL: pip install golfsweep[postgresql]")
    if (binaries := find_binaries()) is None:
        pytest.skip("no PostgreSQL server is installed (initdb is not found)")
    # Not under pytest's own folder: that is closed to the server's user, and too long a path for a socket.
    with tempfile.TemporaryDirectory(prefix="golfsweep-pg-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        server = Server(Path(folder), binaries)
        server.start()
        yield server
        server.kill()
