"""A backup as docs/service.md has it: restored elsewhere, the board is the same and the sweep goes on."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import sqlalchemy

from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from sweeps.views.leaderboard_document import leaderboard_document
from tests.jobs.stores import empty_database
from tests.postgresql import Server, find_binaries
from tests.sweeps import inline


def finished(place: Workplace, demo: DemoData, folder: Path) -> dict[str, object]:
    """The data of a sweep that is run to its end."""
    data = inline.cut_data(demo, folder)
    assert inline.run(inline.spec_of(data), place).done
    return data


def check_restored(place: Workplace, before: object, data: dict[str, object]) -> None:
    """The same board, every content whole, and nothing left to do."""
    assert leaderboard_document(place, None) == before
    assert all(place.files.is_whole(digest) for digest in place.store.known_contents())
    attempts = sum(job.attempt for job in place.store.jobs())
    assert inline.run(inline.spec_of(data), place).done
    assert sum(job.attempt for job in place.store.jobs()) == attempts


def test_sqlite_is_copied_while_it_is_used_and_restored_elsewhere(tmp_path: Path, demo: DemoData) -> None:
    place = Workplace.open(tmp_path / "home")
    data = finished(place, demo, tmp_path / "data")
    before = leaderboard_document(place, None)
    backup = tmp_path / "backup"
    backup.mkdir()
    with closing(sqlite3.connect(place.home.database)) as source, closing(sqlite3.connect(backup / "db")) as sink:
        source.backup(sink)  # what `sqlite3 FILE ".backup TO"` does, while the store is open
    shutil.copytree(place.home.files, backup / "files")
    place.store.close()
    shutil.rmtree(tmp_path / "home")
    restored = tmp_path / "elsewhere"
    shutil.copytree(backup / "files", restored / "files")
    shutil.copy(backup / "db", restored / "golfsweep.db")
    place = Workplace.open(restored)
    check_restored(place, before, data)
    place.store.close()


def test_postgresql_is_dumped_and_restored_into_an_empty_database(
    tmp_path: Path, demo: DemoData, postgresql: Server
) -> None:
    binaries = find_binaries()
    assert binaries is not None
    url = empty_database(postgresql)
    place = Workplace.open(tmp_path / "home", url, str(tmp_path / "files"))
    data = finished(place, demo, tmp_path / "data")
    before = leaderboard_document(place, None)
    dump = subprocess.run([binaries / "pg_dump", "--format=custom", libpq(url)], capture_output=True, check=True).stdout
    shutil.copytree(tmp_path / "files", tmp_path / "copy")
    place.store.close()
    command = [binaries / "pg_restore", "--no-owner", "--clean", "--if-exists", "--dbname"]
    command.append(libpq(empty_database(postgresql)))
    subprocess.run(command, input=dump, check=True)
    place = Workplace.open(tmp_path / "new", url, str(tmp_path / "copy"))
    check_restored(place, before, data)
    place.store.close()


def libpq(url: str) -> str:
    """The address as PostgreSQL's own programs take it."""
    parsed = sqlalchemy.make_url(url)
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)
