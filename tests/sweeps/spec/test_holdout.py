"""The data folder of trials, whose validation set is cut from the training shards."""

from pathlib import Path

import numpy as np
import pytest

from golf.data.tokens import BOS, find_shards, read_shard, read_stream, split_documents, write_shard
from golf.errors import InputError
from sweeps.spec.holdout import make_holdout

SPACED, PLAIN, SILENT, RARE = 10, 11, 12, 13
"""Tokens that lose a space at a document's start, have 3 bytes, have none, and stand in no validation document."""


def document(*tokens: int) -> list[int]:
    return [BOS, *tokens]


def write(folder: Path, shards: dict[str, list[int]]) -> Path:
    for name, tokens in shards.items():
        write_shard(folder / name, tokens)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six training documents in two shards, the fourth of which goes on in the second shard."""
    (tmp_path / "contest" / "tokenizers").mkdir(parents=True)
    first = [*document(20, 21), *document(22), *document(PLAIN, 23), *document(24, 25)]
    second = [26, *document(PLAIN, SPACED), *document(SPACED, PLAIN, SPACED)]
    folder = tmp_path / "contest" / "datasets" / "small"
    write(folder, {"fineweb_train_000000.bin": first, "fineweb_train_000001.bin": second})
    return write(folder, {"fineweb_val_000000.bin": [*document(SPACED, PLAIN, SPACED), *document(SILENT, PLAIN)]})


def documents_of(folder: Path, split: str) -> list[list[int]]:
    assert split in ("train", "val")
    stream = read_stream(find_shards(folder, "train" if split == "train" else "val"))
    cut = [document.tolist() for document in split_documents(np.append(stream, BOS))]
    return [document[:-1] for document in cut]


def test_the_last_whole_documents_leave_training(data: Path, tmp_path: Path) -> None:
    made = make_holdout(data, documents=3, shards=2, folder=tmp_path / "made")
    held_out, kept = documents_of(made, "val"), documents_of(made, "train")
    assert held_out == [document(PLAIN, 23), document(PLAIN, SPACED), document(SPACED, PLAIN, SPACED)]
    assert kept == [document(20, 21), document(22), document(24, 25, 26)]  # cut in two by its shards, one stayed
    assert sorted(held_out + kept) == sorted(documents_of(data, "train"))


def test_what_does_not_change_is_linked_and_the_given_folder_stays(data: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    made = make_holdout(data, documents=2, shards=2, folder=tmp_path / "made")
    assert (made / "fineweb_train_000000.bin").samefile(data / "fineweb_train_000000.bin")
    assert (made.parent.parent / "tokenizers").samefile(data.parent.parent / "tokenizers")
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_it_is_made_once_for_equal_data(data: Path, tmp_path: Path) -> None:
    made = make_holdout(data, documents=2, shards=2, folder=tmp_path / "made")
    stamp = (made / "fineweb_val_000000.bin").stat().st_mtime_ns
    assert make_holdout(data, documents=2, shards=2, folder=tmp_path / "made") == made
    assert (made / "fineweb_val_000000.bin").stat().st_mtime_ns == stamp
    assert make_holdout(data, documents=1, shards=2, folder=tmp_path / "made") != made
    assert not list((tmp_path / "made").glob(".*"))


def test_there_are_as_many_training_shards_as_ranks(data: Path, tmp_path: Path) -> None:
    made = make_holdout(data, documents=1, shards=3, folder=tmp_path / "made")
    assert len(find_shards(made, "train")) == 3
    assert all(read_shard(shard).size for shard in find_shards(made, "train"))
    assert documents_of(made, "train") == documents_of(data, "train")[:-1]


def test_byte_files_are_cut_with_the_documents(data: Path, tmp_path: Path) -> None:
    write_shard(data / "fineweb_val_bytes_000000.bin", [0, 4, 3, 5, 0, 0, 3])  # a space lost at the start has no byte
    made = make_holdout(data, documents=2, shards=2, folder=tmp_path / "made")
    assert documents_of(made, "val") == [document(PLAIN, SPACED), document(SPACED, PLAIN, SPACED)]
    assert read_shard(made / "fineweb_val_bytes_000000.bin").tolist() == [0, 3, 5, 0, 4, 3, 5]


def test_documents_whose_bytes_are_not_known_stay_in_training(data: Path, tmp_path: Path) -> None:
    write_shard(data / "fineweb_val_bytes_000000.bin", [0, 4, 3, 5, 0, 0, 3])
    with pytest.raises(InputError, match=r"2 of 3 documents can be held out .* 3 have tokens whose bytes"):
        make_holdout(data, documents=3, shards=2, folder=tmp_path / "made")
    write_shard(data / "fineweb_val_bytes_000000.bin", [0, 4, 3, 5, 0, 0, 2])  # PLAIN has 3 bytes and 2: after BOS, 2
    made = make_holdout(data, documents=2, shards=2, folder=tmp_path / "made")
    assert read_shard(made / "fineweb_val_bytes_000000.bin").tolist() == [0, 2, 5, 0, 4, 3, 5]


def test_too_few_documents_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5 of 9 documents can be held out"):
        make_holdout(data, documents=9, shards=2, folder=tmp_path / "made")
    assert not list((tmp_path / "made").glob("*"))
