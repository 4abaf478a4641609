"""Contents by digest: whole or not at all, and nothing else is an address."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from golf.errors import InputError
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.store import StoreUnavailable
from tests.confined import bound_by_modes


@pytest.fixture(params=["folder", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "it's files" if request.param == "folder" else f"memory://{tmp_path.name}")


def test_what_was_put_comes_back_by_its_digest(files: FileStore) -> None:
    digest = files.put(b"weights")
    assert digest == hashlib.sha256(b"weights").hexdigest()
    assert files.put(b"weights") == digest
    assert (files.get(digest), files.has(digest), files.size(digest)) == (b"weights", True, 7)


def test_what_is_not_there_is_named(files: FileStore) -> None:
    with pytest.raises(InputError, match="is not in it"):
        files.get("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, f"{'0' * 64}\n"])
def test_only_a_digest_is_an_address(files: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="is not a digest"):
        files.get(name)


def test_a_damaged_content_is_not_handed_out(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    digest = files.put(b"weights")
    [path] = tmp_path.glob("*/*")
    path.write_bytes(b"weighty")
    with pytest.raises(Unreadable, match="is damaged") as gone:
        files.get(digest)
    assert gone.value.digest == digest


def test_what_is_damaged_is_replaced_when_it_is_put_again(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    digest = files.put(b"weights")
    [path] = tmp_path.glob("*/*")
    path.write_bytes(b"wei")
    assert files.put(b"weights") == digest
    assert files.get(digest) == b"weights"
    assert list(tmp_path.glob("*/*")) == [path]


def test_what_this_user_may_not_read_is_not_lost(tmp_path: Path) -> None:
    program = """
from pathlib import Path
import sys
from jobs.errors import Forbidden, StoreUnavailable
from jobs.files import FileStore
files = FileStore(sys.argv[1])
digest = files.put(b"weights")
[path] = Path(sys.argv[1]).glob("*/*")
path.chmod(0)
expected = {files.get: Forbidden, files.is_whole: StoreUnavailable, files.discard_damaged: StoreUnavailable}
for read, kind in expected.items():
    try:
        read(digest)
    except kind as error:
        assert f"{path} cannot be read (Permission denied); let its owner make it readable" in str(error)
    else:
        raise AssertionError(read)
assert path.exists()
files.put(b"weights")
assert files.get(digest) == b"weights"
"""
    done = subprocess.run(
        [*bound_by_modes(), sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Slow(Exception):
    """What a service's driver raises that is no OSError."""


@pytest.mark.parametrize("error", [OSError("503 Slow Down"), PermissionError(13, "expired token"), Slow("503")])
def test_a_place_that_does_not_answer_is_away_whatever_its_driver_raises(
    files: FileStore, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = files.put(b"weights")

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("open", "exists", "cat_file", "size", "rm_file"):
        monkeypatch.setattr(type(files._system), name, fail)
    for call in (files.get, files.has, files.size, files.delete):
        with pytest.raises(StoreUnavailable, match=r"503|expired"):
            call(digest)
    with pytest.raises(StoreUnavailable, match=r"503|expired"):
        files.put(b"more")


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str, target: str) -> None:
        raise OSError(28, f"No space left: {source} to {target}")

    files = FileStore(tmp_path)
    monkeypatch.setattr(files._system, "mv", fail)
    with pytest.raises(StoreUnavailable, match="No space left") as full:
        files.put(b"x")
    assert full.value.errno == 28
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_of_no_known_kind_is_refused() -> None:
    with pytest.raises(InputError, match="--files nowhere://x"):
        FileStore("nowhere://x")


def test_a_missing_driver_is_one_line_that_says_what_to_install() -> None:
    code = "import sys; sys.modules['s3fs'] = None; from jobs.files import FileStore; FileStore('s3://team/golf')"
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    line = tried.stderr.splitlines()[-1]
    assert line.startswith("golf.errors.InputError: --files s3://team/golf: its driver is missing (")
    assert line.endswith("pip install golfsweep[s3]")


class Late(FileStore):
    """A file store of somebody who looks at a content just before another process makes it again."""

    def _holds(self, digest: str) -> bool:
        is_whole = super()._holds(digest)
        FileStore(self.location).put(b"weights")
        return is_whole

    def _write(self, path: str, content: bytes) -> None:
        assert FileStore(self.location).get(hashlib.sha256(content).hexdigest()) == content, "it was taken away"
        super()._write(path, content)


def test_a_content_that_another_process_has_just_made_again_is_never_taken_away(tmp_path: Path) -> None:
    digest = FileStore(tmp_path).put(b"weights")
    [path] = tmp_path.glob("*/*")
    for act in (lambda: Late(tmp_path).put(b"weights"), lambda: Late(tmp_path).discard_damaged(digest)):
        path.write_bytes(b"wei")
        act()
        assert FileStore(tmp_path).get(digest) == b"weights"
        assert list(tmp_path.glob("*/*")) == [path]
