"""Shards, documents and byte counts against golden vectors, hand-made files and the tokenizer's own decoding."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.data.tokens import (
    HEADER_BYTES,
    Tokenizer,
    digest_files,
    find_shards,
    read_shard,
    read_stream,
    split_documents,
    write_shard,
)
from golf.errors import InputError
from golf.selftest import BUNDLED


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(BUNDLED[0] / "sp1024.model")


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_byte_counts_reproduce_every_published_bpb(folder: Path) -> None:
    tokenizer = Tokenizer(folder / "sp1024.model")
    vectors = json.loads((folder / "cases.json").read_text())
    for case in vectors["cases"].values():
        for tokens, expected in zip(vectors["documents"], case["documents"], strict=True):
            num_bytes = int(tokenizer.byte_counts(np.array(tokens)).sum())
            bpb = expected["nll_per_token"] * (len(tokens) - 1) / math.log(2) / num_bytes
            assert bpb == pytest.approx(expected["bpb"], rel=1e-12)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_byte_counts_equal_the_decoded_text(tokenizer: Tokenizer, texts: list[str]) -> None:
    encoded = [tokenizer.encode(text) for text in texts]
    document = np.array([1] + [token for ids in encoded for token in [*ids, 1]])
    assert tokenizer.byte_counts(document).sum() == sum(len(tokenizer.decode(ids).encode()) for ids in encoded)
    tokenizer.check_bytes(document)


def test_each_rule_of_the_byte_count(tokenizer: Tokenizer) -> None:
    space_t, byte_euro = tokenizer.encode("t"), tokenizer.encode("€")
    assert len(space_t) == 1
    assert [t for t in byte_euro if 3 <= t <= 258], "the euro sign should fall back to bytes"
    document = np.array([1, space_t[0], space_t[0], *byte_euro, 1, space_t[0]])
    expected = [1, 2, *([1] * len(byte_euro)), 0, 1]  # no space after BOS, one inside, bytes singly, BOS nothing
    if byte_euro[0] > 258:  # a lone space before the bytes
        expected[2] = 1
    assert tokenizer.byte_counts(document).tolist() == expected


def test_a_wrong_byte_count_is_an_input_error(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    document = np.array([1, *tokenizer.encode("The union is strong.")])
    monkeypatch.setattr(tokenizer, "_bytes_V", tokenizer._bytes_V + 1)
    with pytest.raises(InputError, match=r"bytes for a text of 20"):
        tokenizer.check_bytes(document)


def test_tokens_without_text_are_not_decoded(tokenizer: Tokenizer) -> None:
    """SentencePiece shows an unknown piece as a sign of 5 bytes, which no table of the challenge counts."""
    piece = tokenizer.encode("t")[0]
    document = np.array([1, 0, piece, piece, 0, 2, piece])
    assert tokenizer.text(document[1:]) == "t tt"
    assert tokenizer.byte_counts(document).tolist() == [0, 1, 2, 0, 0, 1]
    assert tokenizer.check_bytes(document).sum() == 4


def test_a_document_cut_inside_a_character_is_counted(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("𝔘")
    tokenizer.check_bytes(np.array([1, *ids[:-1]]))


def test_a_token_outside_the_vocabulary_is_an_input_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="has 1024 pieces, the document holds token 1024"):
        tokenizer.byte_counts(np.array([1, 1024]))


def test_missing_and_invalid_tokenizers_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Tokenizer(tmp_path / "none.model")
    (tmp_path / "foreign.model").write_bytes(b"not a model at all")
    with pytest.raises(InputError, match="not a SentencePiece model"):
        Tokenizer(tmp_path / "foreign.model")


def test_a_shard_has_the_challenges_layout(tmp_path: Path) -> None:
    path = tmp_path / "a_val_0.bin"
    write_shard(path, [1, 500, 65_535])
    content = path.read_bytes()
    assert np.frombuffer(content[:12], "<i4").tolist() == [20240520, 1, 3]
    assert content[1024:] == b"\x01\x00\xf4\x01\xff\xff"
    assert read_shard(path).tolist() == [1, 500, 65_535]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with a header"),
        (bytes(HEADER_BYTES), "not a token shard"),
        (np.array([20240520, 2, 0] + [0] * 253, "<i4").tobytes(), "20240520, 2 instead of"),
        (np.array([20240520, 1, 2] + [0] * 253, "<i4").tobytes() + b"\0\0", "its header says 2 tokens"),
        (np.array([20240520, 1, 1] + [0] * 253, "<i4").tobytes() + b"\0\0\0\0", "its header says 1 tokens"),
        (np.array([20240520, 1, -1] + [0] * 253, "<i4").tobytes(), "its header says -1 tokens"),
    ],
)
def test_damaged_shards_are_input_errors_that_name_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad shard's.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_shard(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_shards_are_listed_in_order_without_byte_files(tmp_path: Path) -> None:
    for name in ("x_val_000001.bin", "x_val_000000.bin", "x_val_bytes_000000.bin", "x_train_000000.bin"):
        write_shard(tmp_path / name, [len(name)])
    found = find_shards(tmp_path, "val")
    assert [path.name for path in found] == ["x_val_000000.bin", "x_val_000001.bin"]
    assert read_stream(found).tolist() == [16, 16]
    with pytest.raises(InputError, match=r"no \*_train_\*\.bin"):
        find_shards(tmp_path / "nowhere", "train")


def test_documents_end_with_the_next_documents_bos() -> None:
    stream = np.array([9, 1, 5, 6, 1, 1, 7])
    assert [document.tolist() for document in split_documents(stream)] == [[1, 5, 6, 1], [1, 1], [1, 7]]
    for none in ([1], [], [5, 6]):
        assert split_documents(np.array(none, np.uint16)) == []


def test_different_files_have_different_digests(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"ab")
    two.write_bytes(b"c")
    whole = tmp_path / "whole"
    whole.write_bytes(b"abc")
    assert len({digest_files([one, two]), digest_files([two, one]), digest_files([whole]), digest_files([])}) == 4
