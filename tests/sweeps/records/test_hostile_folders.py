"""Record folders that are too large, too deep, or hold what is no file: read in bounded memory and time."""

import json
import os
from pathlib import Path

import pytest

from golf.errors import InputError
from sweeps.records.reading import folder
from sweeps.records.reading.claims import read_claims
from sweeps.records.reading.folder import find_folders, read_folder
from tests.guarded import run_guarded
from tests.sweeps.records import miniature as mini

LITTLE = 256 * 2**20


def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)


def test_files_of_gigabytes_are_named_and_not_read(tmp_path: Path) -> None:
    root = mini.write(tmp_path / "r", seed42=mini.first_era(42))
    sparse(root / "submission.json", 2**30)
    sparse(root / "big.log", 10 * 2**30)

    def read() -> None:
        oddities = read_folder(root).oddities
        assert "submission.json: 1,073,741,824 bytes, over 4,194,304; not read" in oddities
        assert "big.log: 10,737,418,240 bytes, over 33,554,432; not read" in oddities

    run_guarded([read, lambda: find_folders(root)], most_bytes=LITTLE)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"val_bpb": 1' + "0" * 10_000 + "}", '{"val_bpb": 1e999999999}']
)
def test_json_that_would_break_a_reader_is_an_oddity_or_no_number(tmp_path: Path, text: str) -> None:
    root = mini.write(tmp_path / "r", text, seed42=mini.first_era(42))

    def read() -> None:
        read = read_folder(root)
        if "e999999999" in text:
            assert read_claims(read.submission or {}).headline is None
        else:
            assert read.submission is None and len(read.oddities) == 1

    run_guarded([read], most_bytes=LITTLE)


def test_pipes_devices_and_loops_are_not_opened(tmp_path: Path) -> None:
    root = mini.write(tmp_path / "r", {"val_bpb": 1.2}, seed42=mini.first_era(42))
    os.mkfifo(root / "pipe.log")
    (root / "zero.log").symlink_to("/dev/zero")
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "self.log").symlink_to("self.log")

    def read() -> None:
        assert find_folders(tmp_path) == [root]
        assert read_folder(root).oddities == (
            "loop is a link and was not followed",
            "pipe.log is no regular file and was not read",
            "self.log is a link and was not followed",
            "zero.log is a link and was not followed",
        )

    run_guarded([read], most_bytes=LITTLE)


def test_of_many_files_the_first_are_read_and_the_claims_whatever_their_name(tmp_path: Path) -> None:
    root = mini.write(tmp_path / "r", {"val_bpb": 1.2})
    for number in range(folder.MAX_FILES + 5):
        (root / f"a{number:05}.dat").touch()
    read = read_folder(root)
    assert read.submission is not None
    assert read.oddities == (f"over {folder.MAX_FILES:,} files; the rest was not read",)


def test_only_so_many_bytes_of_logs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = mini.write(tmp_path / "r", {"val_bpb": 1.2}, a=mini.first_era(1), b=mini.first_era(2), c=mini.first_era(3))
    size = (root / "a.log").stat().st_size
    monkeypatch.setattr(folder, "MAX_READ_BYTES", 2 * size)
    read = read_folder(root)
    assert list(read.logs) == ["a.log", "b.log"]
    assert read.oddities == (f"over {2 * size:,} bytes of logs; 1 were not read",)


def test_a_tree_of_more_folders_than_any_collection_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FOLDERS", 5)
    for number in range(6):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(InputError, match="over 5 folders; expected a record folder or a folder of them"):
        find_folders(tmp_path)


def test_names_are_the_same_under_any_locale_and_safe_for_a_database(tmp_path: Path) -> None:
    root = mini.write(tmp_path / "é\udcff\x1b\u202e", {"val_bpb": 1.2}, **{"a\nb": mini.first_era(42)})
    read = read_folder(root)
    assert read.name == "é\ufffd\ufffd\ufffd"
    assert list(read.logs) == ["a\ufffdb.log"]
    json.dumps([read.name, *read.logs]).encode()


def test_of_a_flat_folder_of_many_records_each_is_found(tmp_path: Path) -> None:
    roots = [tmp_path / f"{number:05}" for number in range(folder.MAX_FILES + 100)]
    for root in roots:
        root.mkdir()
        (root / "submission.json").write_text('{"val_bpb": 1.2}')
    assert find_folders(tmp_path) == roots
