"""A small sweep whose jobs run in this process, finished once for all tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import EXECUTORS
from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from tests.sweeps import inline
from tests.sweeps.inline import Inline, Record

Open = Callable[[], Workplace]


@pytest.fixture(autouse=True)
def inline_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of these tests may name it; it must not be there for tests of other folders in the same process."""
    monkeypatch.setitem(EXECUTORS, "inline", inline.KIND)


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    """What runs in the test, and how."""
    fresh = Record()
    monkeypatch.setattr(Inline, "record", fresh)
    return fresh


@pytest.fixture(scope="session")
def data(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Data of a few documents, as a sweep file names them."""
    return inline.cut_data(demo, tmp_path_factory.mktemp("few") / "documents")


@pytest.fixture(scope="session")
def finished(data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the finished sweep; tests work on copies."""
    root = tmp_path_factory.mktemp("finished") / "home"
    place = Workplace.open(root)
    assert inline.run(inline.spec_of(data), place).done
    place.store.close()
    return root


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Iterator[Workplace]:
    """A copy of the finished sweep's home."""
    opened = Workplace.open(shutil.copytree(finished, tmp_path / "it's a home"))
    yield opened
    opened.store.close()
