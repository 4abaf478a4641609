"""A finished sweep whose entries tests change as somebody with access to the database can."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from jobs.database import tables
from jobs.store import EntryRecord
from jobs.workplace import Workplace
from tests.sweeps.made_up import file, play


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a finished sweep, which tests copy."""
    place = Workplace.open(tmp_path_factory.mktemp("checking") / "home")
    play(place, file("one"))
    place.store.close()
    return place.home.root


@pytest.fixture
def place(played: Path, tmp_path: Path) -> Workplace:
    return Workplace.open(shutil.copytree(played, tmp_path / "it's a home"))


def entry_of(place: Workplace, name: str = "base") -> EntryRecord:
    return next(entry for entry in place.store.entries("one") if entry.name == name)


def tamper(place: Workplace, change: Callable[[dict[str, Any], dict[str, Any]], None], name: str) -> None:
    """Change an entry's row as somebody with access to the database can."""
    table = tables.entries
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        where = (table.c.sweep == "one", table.c.name == name)
        row = connection.execute(select(table.c.content, table.c.evidence).where(*where)).one()
        content, evidence = copy.deepcopy(row.content), copy.deepcopy(row.evidence)
        change(content, evidence)
        connection.execute(table.update().where(*where).values(content=content, evidence=evidence))
    engine.dispose()


def pass_audit(content: dict[str, Any], evidence: dict[str, Any]) -> None:
    content["audit"] |= {"passed": True, "findings": []}
    for evaluation in content["evaluations"]:
        evaluation["findings"] = []


HUGE = 10**400
"""A number that JSON can hold, and a float cannot."""
