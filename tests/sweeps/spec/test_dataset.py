"""The data of a sweep and the digests by which jobs know them."""

from pathlib import Path

import numpy as np
import pytest

from golf.data.corpus import DemoData
from golf.data.tokens import find_shards, read_shard, write_shard
from golf.errors import InputError
from jobs.machine.digests import digest_of
from jobs.machine.facts import DataPlaces, collect_facts
from sweeps.spec.dataset import open_dataset


def test_a_file_with_the_tokens_bytes_is_part_of_the_validation_data(demo: DemoData, tmp_path: Path) -> None:
    for split in ("train", "val"):
        [path] = find_shards(demo.tokens, split)
        (tmp_path / path.name).symlink_to(path)
    [shard] = find_shards(tmp_path, "val")
    plain = open_dataset(str(tmp_path), str(demo.tokenizer), 1, tmp_path / "none")
    assert plain.val_digest == digest_of([shard])
    file = shard.with_name(shard.name.replace("_val_", "_val_bytes_"))
    write_shard(file, [3] * len(read_shard(shard)))
    counted = open_dataset(str(tmp_path), str(demo.tokenizer), 1, tmp_path / "none")
    assert counted.val_digest == digest_of([shard, file])
    assert counted.train_digest == plain.train_digest
    assert counted.val_documents == plain.val_documents
    places = {"tokens": str(tmp_path), "tokenizer": str(demo.tokenizer), "tokenizer_digest": plain.tokenizer_digest}
    for data, problem in ((counted, None), (plain, "validation tokens has digest")):
        reported = collect_facts(
            DataPlaces(train_digest=data.train_digest, val_digest=data.val_digest, **places)
        ).problem
        assert reported is None if problem is None else problem in str(reported)


def test_data_whose_training_shards_contain_the_validation_set_are_refused(demo: DemoData, tmp_path: Path) -> None:
    [train], [val] = find_shards(demo.tokens, "train"), find_shards(demo.tokens, "val")
    (tmp_path / val.name).symlink_to(val)
    write_shard(tmp_path / train.name, np.concatenate([read_shard(train), read_shard(val)]))
    with pytest.raises(InputError, match=r"_train_.*: holds documents of the validation set"):
        open_dataset(str(tmp_path), str(demo.tokenizer), 1, tmp_path / "none")


def test_a_part_of_the_challenges_validation_set_is_refused(demo: DemoData, tmp_path: Path) -> None:
    [train] = find_shards(demo.tokens, "train")
    (tmp_path / "fineweb_train_000000.bin").symlink_to(train)
    write_shard(tmp_path / "fineweb_val_000000.bin", [1, 5, 6] * 42_000)
    with pytest.raises(InputError, match=r"fineweb_val_\*\.bin: 42,000 documents; expected the challenge's"):
        open_dataset(str(tmp_path), str(demo.tokenizer), 1, tmp_path / "none")
