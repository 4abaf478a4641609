"""Folders of our Rays: a dead one's is removed, a living one's and somebody else's never."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.ray import folders
from cluster.ray.folders import LOCK, MARK, PREFIX, YOUNG_SECONDS, RayFolder, processes_of, remove_dead

OWNER = """
import sys
from pathlib import Path
from cluster.ray import folders
folders._root = lambda: Path(sys.argv[1])
print(folders.RayFolder().path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "_root", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def owner(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that owns a folder."""
    command = [sys.executable, "-c", OWNER, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(
    owner: "subprocess.Popen[str]",
) -> None:
    assert owner.stdout is not None
    path = Path(owner.stdout.readline().strip())
    (path / "session").mkdir()
    assert remove_dead() == []
    owner.kill()
    owner.wait()
    assert remove_dead() == [path]
    assert not path.exists()


def test_a_folder_whose_processes_outlive_their_owner_stays_until_they_end(root: Path) -> None:
    folder = RayFolder()
    living = subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str(folder.path)})
    try:
        assert processes_of(folder.path) == [living.pid]
        folder.release(remove=True)
        assert folder.path.exists() and remove_dead() == []
    finally:
        living.kill()
        living.wait()
    assert remove_dead() == [folder.path]


def test_ending_the_processes_of_a_folder_spares_others(root: Path) -> None:
    folder, other = RayFolder(), RayFolder()
    ours, theirs = (
        subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str(place.path)}) for place in (folder, other)
    )
    try:
        assert folder.end_processes() == []
        assert ours.wait() == -signal.SIGKILL
        assert theirs.poll() is None
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait()
    for place in (folder, other):
        place.release(remove=True)
    assert list(root.iterdir()) == []


def test_what_is_not_ours_stays(root: Path) -> None:
    (root / "session_2026-11-30").mkdir()  # Ray's own name
    (root / f"{PREFIX}young").mkdir()  # about to be locked by its owner
    (root / "elsewhere").mkdir()
    (root / f"{PREFIX}link").symlink_to(root / "elsewhere")
    assert remove_dead() == []
    old = root / f"{PREFIX}old"
    old.mkdir()
    os.utime(old, (0, old.stat().st_mtime - YOUNG_SECONDS - 1))
    assert remove_dead() == [old]


def test_nothing_can_be_taken_for_dead_before_it_is_locked(root: Path) -> None:
    folder = RayFolder()
    assert (folder.path / LOCK).exists()
    assert folder.path.stat().st_mode & 0o077 == 0
    folder.release(remove=True)


def test_a_long_folder_for_temporary_files_leaves_room_for_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/home/somebody/with/a/long/name")
    assert folders._root() == Path("/tmp")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/var/tmp")
    assert folders._root() == Path("/var/tmp")
