"""An empty home; what runs inline, and its data, are those of the folder above."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """An empty home."""
    opened = Workplace.open(tmp_path / "home")
    yield opened
    opened.store.close()
