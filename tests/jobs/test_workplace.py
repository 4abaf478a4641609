"""A database and its file store belong together, whatever path leads there; and looking at a home changes nothing."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from golf.errors import InputError
from jobs.files import IDENTITY, FileStore
from jobs.machine.host import identity
from jobs.store import Store
from jobs.workplace import Workplace
from tests.jobs.stores import FACTS, order


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/team.db"


def used(tmp_path: Path, url: str, files: Path) -> Workplace:
    """A home on a database that has a content in a file store of its own."""
    place = Workplace.open(tmp_path / "home", url, str(files))
    place.claim_files()
    place.store.put_sweep("s", {})
    place.store.beat("a")
    place.store.put_job(order(1))
    [record] = place.store.claim("a", 1)
    digest = place.files.put(b"weights")
    attempt = place.store.start_attempt(record.key, "a", **FACTS)
    place.store.finish(record.key, attempt, {"w": digest}, sizes={digest: 7}, seconds=1.0, peak_bytes=None)
    return place


def open_with(tmp_path: Path, url: str, files: str | Path) -> Workplace:
    place = Workplace.open(tmp_path / "home", url, str(files))
    place.claim_files()
    return place


def test_the_same_folder_by_another_path_is_the_same_place(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = used(tmp_path, url, tmp_path / "contents")
    known = first.store.file_store()
    assert known is not None
    assert (known.location, known.host) == (os.path.realpath(tmp_path / "contents"), identity())
    assert first.files.identity() == known.id
    (tmp_path / "link").symlink_to(tmp_path / "contents")
    monkeypatch.chdir(tmp_path)
    for same in (tmp_path / "contents", tmp_path / "link", "contents", f"file://{tmp_path}/contents"):
        assert open_with(tmp_path, url, same).store.file_store() == known
    (tmp_path / "contents").rename(tmp_path / "moved")
    open_with(tmp_path, url, tmp_path / "moved")


def test_another_place_is_refused_by_name_before_anything_runs(tmp_path: Path, url: str) -> None:
    known = used(tmp_path, url, tmp_path / "contents").store.file_store()
    assert known is not None
    used(tmp_path / "others", f"sqlite:///{tmp_path}/others.db", tmp_path / "theirs")
    for other in ("empty", "theirs"):
        with pytest.raises(InputError) as refused:
            open_with(tmp_path, url, tmp_path / other)
        assert str(tmp_path / other) in str(refused.value) and f"{known.location} on {known.host}" in str(refused.value)
        assert known.id in refused.value.hint
    assert not (tmp_path / "empty").exists()


def test_a_folder_of_another_machine_under_the_same_path_is_another_place(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path, url, tmp_path / "contents")
    (tmp_path / "contents").rename(tmp_path / "on the first machine")
    with pytest.raises(InputError, match="this database's contents are gone from it"):
        open_with(tmp_path, url, tmp_path / "contents")
    monkeypatch.setattr("jobs.workplace.identity", lambda: "second machine")
    with pytest.raises(InputError, match="not where this database's contents are"):
        open_with(tmp_path, url, tmp_path / "contents")
    (tmp_path / "contents").mkdir()
    (tmp_path / "contents" / IDENTITY).write_text("f" * 32)
    with pytest.raises(InputError, match="not where this database's contents are"):
        open_with(tmp_path, url, tmp_path / "contents")


def test_a_lost_identity_file_is_written_again_and_one_that_is_copied_by_hand_counts(tmp_path: Path, url: str) -> None:
    known = used(tmp_path, url, tmp_path / "contents").store.file_store()
    assert known is not None
    (tmp_path / "contents" / IDENTITY).unlink()
    assert open_with(tmp_path, url, tmp_path / "contents").files.identity() == known.id
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / IDENTITY).write_text(known.id)
    open_with(tmp_path, url, tmp_path / "new")


def test_a_database_of_an_earlier_version_knows_its_contents_by_themselves(tmp_path: Path, url: str) -> None:
    place = used(tmp_path, url, tmp_path / "contents")
    (tmp_path / "contents" / IDENTITY).unlink()
    with place.store._write() as connection:
        connection.exec_driver_sql("DELETE FROM file_stores")
    with pytest.raises(InputError, match="holds none of the contents that this database needs"):
        open_with(tmp_path, url, tmp_path / "empty")
    again = open_with(tmp_path, url, tmp_path / "contents")
    known = again.store.file_store()
    assert known is not None and again.files.identity() == known.id


def test_a_place_without_contents_may_be_chosen_anew(tmp_path: Path, url: str) -> None:
    open_with(tmp_path, url, tmp_path / "slip")
    place = open_with(tmp_path, url, tmp_path / "right")
    assert getattr(place.store.file_store(), "location", None) == os.path.realpath(tmp_path / "right")


def test_a_copied_home_is_a_home(tmp_path: Path) -> None:
    first = Workplace.open(tmp_path / "one")
    first.claim_files()
    first.store.close()
    Workplace.open(shutil.copytree(tmp_path / "one", tmp_path / "two")).claim_files()


def test_looking_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--home {tmp_path}/none: no such folder"):
        Workplace.open_to_read(tmp_path / "none")
    with pytest.raises(InputError, match="no such file"):
        Workplace.open_to_read(tmp_path / "none", f"sqlite:///{tmp_path}/deep/none.db")
    empty = Workplace.open_to_read(tmp_path)
    assert (empty.store.sweeps(), empty.store.records(), empty.store.entries()) == ([], [], [])
    assert list(tmp_path.iterdir()) == []


def test_a_home_is_removed_only_if_nothing_was_run_in_it(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "deep" / "home")
    place.claim_files()
    assert place.remove_if_unused()
    assert list(tmp_path.iterdir()) == []
    place = Workplace.open(tmp_path / "deep" / "home")
    place.store.put_sweep("s", {})
    assert not place.remove_if_unused()
    assert not Workplace.open(tmp_path / "deep" / "home").remove_if_unused()
    assert Workplace.open_to_read(tmp_path / "deep" / "home").store.sweep("s") is not None


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_database_in_memory_is_refused(url: str, tmp_path: Path) -> None:
    for open_ in (Workplace.open, Workplace.open_to_read):
        with pytest.raises(InputError, match="would be gone at once"):
            open_(tmp_path / "home", url)
    assert list(tmp_path.iterdir()) == []


def test_the_short_name_of_postgresql_is_known() -> None:
    with pytest.raises(ConnectionError, match=r"database postgres://me:\*\*\*@127.0.0.1:1/x unavailable"):
        Store.open("postgres://me:secret@127.0.0.1:1/x")


@pytest.mark.parametrize("beside", ["deep/other/home.db", "deep/notes.txt", "deep/home/notes.txt", "deep/home/files/x"])
def test_a_home_that_is_removed_takes_no_file_of_others_with_it(tmp_path: Path, beside: str) -> None:
    place = Workplace.open(tmp_path / "deep" / "home")
    place.claim_files()
    (tmp_path / beside).parent.mkdir(exist_ok=True)
    (tmp_path / beside).write_text("mine")
    assert place.remove_if_unused()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / beside]


def test_a_home_that_cannot_be_opened_leaves_what_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "text.db").write_text("no database, and somebody's notes " * 100)
    with pytest.raises(InputError):
        Workplace.open(tmp_path / "deep" / "home", f"sqlite:///{tmp_path}/deep/text.db")
    assert [*(tmp_path / "deep").iterdir()] == [tmp_path / "deep" / "text.db"]


class Meeting(FileStore):
    """A file store in which everybody has looked for an identity before anybody makes one."""

    def __init__(self, location: Path, barrier: threading.Barrier) -> None:
        super().__init__(location)
        self._barrier = barrier

    def make_identity(self) -> str:
        self._barrier.wait(60.0)
        return super().make_identity()


def test_two_first_runs_of_one_home_agree_on_its_identity(tmp_path: Path, url: str) -> None:
    Store.open(url).close()
    barrier = threading.Barrier(2)

    def claim() -> None:
        place = Workplace.open(tmp_path / "home", url)
        replace(place, files=Meeting(place.home.files, barrier)).claim_files()
        place.store.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(claim) for _ in range(2)]:
            done.result()
    place = open_with(tmp_path, url, tmp_path / "home" / "files")
    known = place.store.file_store()
    assert known is not None and place.files.identity() == known.id


@pytest.mark.parametrize("url", ["postgres://me:se@cret@h/x", "postgres://me:sec#ret@h:y/x", "postgres://h:port/x"])
def test_a_wrong_url_under_the_short_name_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    for open_ in (Workplace.open, Workplace.open_to_read):
        with pytest.raises(InputError) as refused:
            open_(tmp_path / "home", url)
        assert str(refused.value).startswith("--db"), refused.value
        assert not any(part in str(refused.value) for part in ("secret", "se@", "cret", "sec#"))
    assert list(tmp_path.iterdir()) == []
