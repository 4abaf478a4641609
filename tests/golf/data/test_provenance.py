"""A validation set is whole, and no part of the training tokens."""

from pathlib import Path

import numpy as np
import pytest

from golf.data.corpus import DemoData
from golf.data.provenance import CONTEST_DOCUMENTS, CONTEST_TOKENS, Split, check_apart, check_whole
from golf.data.tokens import find_shards, read_stream, split_documents, write_shard
from golf.errors import InputError


def contest(folder: Path, documents: int, tokens: int, pieces: int = 1024) -> Split:
    empty = np.array([1, 2])
    shards = [folder / "fineweb_val_000000.bin"]
    return Split(shards=shards, documents=[empty] * documents, tokens=tokens, vocab_size=pieces)


def test_the_challenges_validation_set_must_be_whole(tmp_path: Path) -> None:
    whole = CONTEST_TOKENS[1024].start
    check_whole(contest(tmp_path, CONTEST_DOCUMENTS, whole))
    check_whole(contest(tmp_path, 4_999, 12_345))  # a stand-in
    check_whole(contest(tmp_path, CONTEST_DOCUMENTS, 12_345, pieces=8192))  # nobody has said how many it has there
    with pytest.raises(InputError, match=r"fineweb_val_\*\.bin: 49,999 documents; expected .* which has 50,000"):
        check_whole(contest(tmp_path, CONTEST_DOCUMENTS - 1, whole))
    with pytest.raises(
        InputError, match=r"52,098,171 tokens, 84\.0% of the challenge's validation set; expected 62,021,633"
    ):
        check_whole(contest(tmp_path, CONTEST_DOCUMENTS, int(0.84 * whole)))


def test_other_sets_may_have_any_size(demo: DemoData) -> None:
    shards = find_shards(demo.tokens, "val")
    documents = split_documents(read_stream(shards))
    found = Split(shards=shards, documents=documents, tokens=1, vocab_size=1024)
    check_whole(found)
    check_apart(found, find_shards(demo.tokens, "train"))


@pytest.mark.parametrize(("copied", "refused"), [(0, False), (1, False), (2, True), (20, True)])
def test_training_shards_must_not_contain_the_validation_set(tmp_path: Path, copied: int, refused: bool) -> None:
    rng = np.random.default_rng(0)
    documents = [np.append(1, rng.integers(2, 1000, int(size))) for size in rng.integers(40, 90, 20)]
    others = [np.append(1, rng.integers(2, 1000, 60)) for _ in range(30)]
    write_shard(tmp_path / "x_train_0.bin", np.concatenate(others))
    write_shard(tmp_path / "x_train_1.bin", np.concatenate([*others, *documents[:copied], [1]]))
    training = find_shards(tmp_path, "train")
    found = Split(shards=[tmp_path / "x_val_0.bin"], documents=documents, tokens=1, vocab_size=1024)
    if refused:
        with pytest.raises(
            InputError, match=rf"x_train_1\.bin: holds documents of the validation set \({copied} of 20\)"
        ):
            check_apart(found, training)
    else:
        check_apart(found, training)


def test_the_start_of_a_document_is_not_the_document(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    documents = [np.append(1, rng.integers(2, 1000, 80)) for _ in range(5)]
    write_shard(tmp_path / "x_train_0.bin", np.concatenate([document[:-1] for document in documents]))
    found = Split(shards=[tmp_path / "x_val_0.bin"], documents=documents, tokens=1, vocab_size=1024)
    check_apart(found, find_shards(tmp_path, "train"))
