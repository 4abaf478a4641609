"""A validation set is whole, and no part of the training tokens."""

from pathlib import Path

import numpy as np
import pytest

from golf.data.corpus import DemoData
from golf.data.provenance import CONTEST_BYTES, CONTEST_DOCUMENTS, CONTEST_TOKENS, Split, check_apart, check_whole
from golf.data.texts import count_bytes, read_texts
from golf.data.tokens import Tokenizer, find_shards, read_stream, split_documents, write_shard
from golf.errors import InputError


def contest(folder: Path, documents: int, tokens: int, pieces: int = 1024, num_bytes: int = CONTEST_BYTES) -> Split:
    empty = np.array([1, 2])
    return Split(
        shards=[folder / "fineweb_val_000000.bin"],
        documents=[empty] * documents,
        tokens=tokens,
        vocab_size=pieces,
        count_bytes=lambda: num_bytes,
    )


def test_the_challenges_validation_set_must_be_whole(tmp_path: Path) -> None:
    whole = CONTEST_TOKENS[1024]
    check_whole(contest(tmp_path, CONTEST_DOCUMENTS, whole))
    check_whole(contest(tmp_path, 4_999, 12_345))  # a stand-in
    check_whole(contest(tmp_path, CONTEST_DOCUMENTS, 47_853_344, pieces=8192, num_bytes=151_080_645))  # CaseOps
    with pytest.raises(InputError, match=r"fineweb_val_\*\.bin: 49,999 documents; expected .* which has 50,000"):
        check_whole(contest(tmp_path, CONTEST_DOCUMENTS - 1, whole))
    with pytest.raises(
        InputError, match=r"52,098,350 tokens, 84\.0% of the challenge's validation set; expected 62,021,846 with"
    ):
        check_whole(contest(tmp_path, CONTEST_DOCUMENTS, int(0.84 * whole)))
    with pytest.raises(InputError, match=r"151,060,891 bytes of text; expected .* with 151,080,891"):
        check_whole(contest(tmp_path, CONTEST_DOCUMENTS, 40_540_803, pieces=8192, num_bytes=CONTEST_BYTES - 20_000))


def test_bytes_are_those_of_the_text_with_and_without_byte_files(demo: DemoData, tmp_path: Path) -> None:
    shards, tokenizer = find_shards(demo.tokens, "val"), Tokenizer(demo.tokenizer)
    stream = read_stream(shards)
    documents = split_documents(stream)
    expected = sum(read_texts(shards, tokenizer).num_bytes)
    assert count_bytes(shards, documents, tokenizer) == expected
    write_shard(tmp_path / "x_val_0.bin", stream)
    write_shard(tmp_path / "x_val_bytes_0.bin", np.full(len(stream), 2))
    assert count_bytes(find_shards(tmp_path, "val"), documents, tokenizer) == 2 * len(stream)


def test_other_sets_may_have_any_size(demo: DemoData) -> None:
    shards = find_shards(demo.tokens, "val")
    documents = split_documents(read_stream(shards))
    found = Split(shards=shards, documents=documents, tokens=1, vocab_size=1024, count_bytes=lambda: 1)
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
    found = Split(
        shards=[tmp_path / "x_val_0.bin"], documents=documents, tokens=1, vocab_size=1024, count_bytes=lambda: 1
    )
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
    found = Split(
        shards=[tmp_path / "x_val_0.bin"], documents=documents, tokens=1, vocab_size=1024, count_bytes=lambda: 1
    )
    check_apart(found, find_shards(tmp_path, "train"))
