"""What many tests share: the bundled corpus, built once, and a digest cache of the tests' own."""

import gc
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from golf.data import corpus
from golf.data.corpus import DemoData, build_demo
from tests.postgresql import Server, find_binaries

# The same examples everywhere: a test that fails in CI fails on the next desk, too, however slow either of them is.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

TERMINAL = (
    "TERM",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "PY_COLORS",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "GITHUB_ACTIONS",
)
"""Variables by which rich and typer find out what they print to."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Variables that send requests elsewhere; those of tests are to servers of their own."""
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 16 * 2**30
"""A file system in memory, and how much it must have free: golfsweep's doctor wants 10 GiB beside what tests leave."""

YOUNG_OBJECTS = 20_000
"""New objects after which garbage is looked for; by default 700, which takes a tenth of many small tests' time."""
os.environ["OMP_NUM_THREADS"] = "1"
# Torch reads it when it is first imported, which the conftest of a folder may do, before `pytest_configure` is called.
# Threads that wait for each other's tiny operations take many times as long when another process shares their cores.


def pytest_configure() -> None:
    """Have commands do the same whatever the terminal and the network are like, before anything reads what they are."""
    for name in (*TERMINAL, *PROXIES, *map(str.lower, PROXIES)):
        os.environ.pop(name, None)
    os.environ["COLUMNS"] = "80"
    if is_usable(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # no commit of a database waits for a disk


def pytest_sessionstart() -> None:
    """Have the garbage collector wait: what thousands of imports make stays until the end."""
    gc.disable()
    gc.set_threshold(YOUNG_OBJECTS)


def pytest_collection_finish() -> None:
    """Have it look only at what tests make from now on, without the million objects of modules and tests."""
    gc.collect()
    gc.freeze()
    gc.enable()


def is_usable(folder: Path) -> bool:
    """Whether tests can write their files there, and run those that are programs."""
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC and shutil.disk_usage(folder).free >= MEMORY_BYTES


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Let processes that tests start receive SIGINT, even if a script has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep remembered digests out of the user's home; processes that tests start inherit it."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    del os.environ["XDG_CACHE_HOME"]


@pytest.fixture(scope="session", autouse=True)
def corpus_built_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give every home of this process a copy of the bundled corpus: each build takes seconds, and all are alike."""
    build, kept, building = corpus._build, tmp_path_factory.mktemp("corpus") / "demo", threading.Lock()

    def copy(folder: Path, model: Path) -> None:
        with building:
            if not kept.exists():
                kept.mkdir()
                build(kept, kept / model.name)
        shutil.copytree(kept, folder, dirs_exist_ok=True)

    with patch.object(corpus, "_build", copy):
        yield


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
