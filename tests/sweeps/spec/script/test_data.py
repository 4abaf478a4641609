"""The data of a script: any folder of shards, with or without a tokenizer, known by what is in it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from golf.data.corpus import DemoData
from golf.data.provenance import CONTEST_DOCUMENTS
from golf.data.tokens import write_shard
from golf.errors import InputError
from sweeps.spec.script.data import open_script_data
from sweeps.spec.sections import DataSection


def test_a_folder_of_shards_and_a_tokenizer_are_known_by_their_contents(tmp_path: Path) -> None:
    folder, tokenizer = tmp_path / "datasets" / "x", tmp_path / "x.model"
    folder.mkdir(parents=True)
    (folder / "x_train_000000.bin").write_bytes(b"train")
    tokenizer.write_bytes(b"pieces")
    alone = open_script_data(DataSection(tokens=str(folder)), tmp_path / "demo", 1)
    both = open_script_data(DataSection(tokens=str(folder), tokenizer=str(tokenizer)), tmp_path / "demo", 1)
    assert (alone.tokens, alone.search_tokens, alone.tokenizer) == (folder, folder, None)
    assert (both.tokenizer, both.train_digest) == (tokenizer, alone.train_digest)
    assert alone.tokenizer_digest == "" and len(both.tokenizer_digest) == 64
    (folder / "x_train_000000.bin").write_bytes(b"other")
    assert open_script_data(DataSection(tokens=str(folder)), tmp_path / "demo", 1).train_digest != alone.train_digest
    with pytest.raises(InputError, match=r"data\.tokens = .*nowhere: no such folder"):
        open_script_data(DataSection(tokens=str(tmp_path / "nowhere")), tmp_path / "demo", 1)


def documents_of(count: int, length: int = 40) -> list[NDArray[np.int64]]:
    """Documents of random tokens, each after its BOS."""
    rng = np.random.default_rng(count)
    return [np.append(1, rng.integers(2, 1000, length)) for _ in range(count)]


def open_folder(folder: Path, tokenizer: Path | None = None) -> None:
    section = DataSection(tokens=str(folder), tokenizer=None if tokenizer is None else str(tokenizer))
    open_script_data(section, folder.parent / "demo", 1)


def test_a_script_is_not_given_a_cut_validation_set_or_one_that_it_trains_on(tmp_path: Path) -> None:
    validation = documents_of(5_000)
    write_shard(tmp_path / "fineweb_val_000000.bin", np.concatenate(validation))
    with pytest.raises(
        InputError, match=r"fineweb_val_\*\.bin: 5,000 documents; expected the challenge's validation set"
    ):
        open_folder(tmp_path)
    (tmp_path / "fineweb_val_000000.bin").rename(tmp_path / "own_val_000000.bin")
    write_shard(tmp_path / "own_train_000000.bin", np.concatenate(documents_of(9)))
    open_folder(tmp_path)
    write_shard(tmp_path / "own_train_000001.bin", np.concatenate([*validation[:600], [1]]))
    with pytest.raises(
        InputError, match=r"own_train_000001\.bin: holds documents of the validation set \(600 of 5,000"
    ):
        open_folder(tmp_path)


def test_a_cut_set_of_the_contests_tokenizer_is_told_by_its_tokens(tmp_path: Path, demo: DemoData) -> None:
    short = [np.array([1, 2, 3])] * CONTEST_DOCUMENTS
    write_shard(tmp_path / "fineweb_val_000000.bin", np.concatenate(short))
    with pytest.raises(InputError, match=r"150,000 tokens, 0\.2% of the challenge's validation set"):
        open_folder(tmp_path, demo.tokenizer)
    open_folder(tmp_path)  # without a tokenizer nobody knows how many it should be
    write_shard(tmp_path / "fineweb_val_bytes_000000.bin", np.full(3 * CONTEST_DOCUMENTS, 5))
    with pytest.raises(InputError, match=r"750,000 bytes of text; expected the challenge's validation set"):
        open_folder(tmp_path)


def test_shards_of_another_form_are_the_scripts_own_affair(tmp_path: Path) -> None:
    (tmp_path / "fineweb_val_000000.bin").write_bytes(b"tokens of a kind")
    (tmp_path / "fineweb_train_000000.bin").write_bytes(b"and more")
    open_folder(tmp_path)
