"""The data of a script: any folder of shards, with or without a tokenizer, known by what is in it."""

from pathlib import Path

import pytest

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
