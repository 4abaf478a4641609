"""Archives of record folders: nothing of one lands outside its folder, and none fills the disk."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import InputError
from sweeps.records.reading import archive


def pack(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """A zip file of these members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in members:
            target.writestr(name, text)
    return content.getvalue()


def linked(name: str, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    return member


def test_folders_and_files_come_out_as_they_were(tmp_path: Path) -> None:
    archive.unpack_archive(pack(("a/b/train.log", b"x" * 10), ("submission.json", b"{}")), tmp_path)
    assert (tmp_path / "a/b/train.log").read_bytes() == b"x" * 10
    assert (tmp_path / "submission.json").read_bytes() == b"{}"


@pytest.mark.parametrize("member", [
    "../outside", "/etc/outside", "a/../../outside", "a\\..\\outside", "a/" * 9 + "deep",
    linked("link", stat.S_IFLNK | 0o777), linked("pipe", stat.S_IFIFO | 0o600), linked("device", stat.S_IFCHR | 0o600),
], ids=str)  # fmt: skip
def test_what_leads_outside_or_is_no_file_is_refused(member: str | zipfile.ZipInfo, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(InputError):
        archive.unpack_archive(pack((member, b"../../outside")), folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()] == []


def test_it_is_bounded_by_what_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 3 << 20)
    bomb = pack(("a", b"0" * (2 << 20)), ("b", b"0" * (2 << 20)))
    assert len(bomb) < 10_000
    with pytest.raises(InputError, match="MiB unpacked"):
        archive.unpack_archive(bomb, tmp_path)
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    with pytest.raises(InputError, match="3 files; expected at most 2"):
        archive.unpack_archive(pack(("a", b""), ("b", b""), ("c", b"")), tmp_path)


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    nameless = pack(("x", b"1")).replace(b"x", b"\0")
    with pytest.raises(InputError):
        archive.unpack_archive(nameless, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_twice_or_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be unpacked"):
        archive.unpack_archive(pack(("a", b"1"), ("a/b", b"2")), tmp_path)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 400), change=st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_a_line(place: int, change: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = pack(("a/train.log", b"seed:7\n" * 50), ("submission.json", b"{}"))
    damaged = whole[:place] + change + whole[place + len(change) :]
    try:
        archive.unpack_archive(damaged, tmp_path_factory.mktemp("damaged"))
    except InputError as error:
        assert "\n" not in str(error)
