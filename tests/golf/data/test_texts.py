"""Documents and their byte counts, from the tokenizer or from the data set's byte files."""

from pathlib import Path

import numpy as np
import pytest

from golf.data.texts import byte_files, count_texts, read_texts, require_text, with_byte_files
from golf.data.tokens import Tokenizer, write_shard
from golf.errors import InputError
from golf.selftest import BUNDLED

STREAMS = ([9, 1, 300, 301, 1, 302], [303, 1, 304])
BYTES = ([50, 0, 4, 5, 0, 6], [7, 0, 8])


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(BUNDLED[0] / "sp1024.model")


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two shards; the second document runs from one into the other."""
    paths = [tmp_path / f"it's_val_{number:06}.bin" for number in range(2)]
    for path, tokens in zip(paths, STREAMS, strict=True):
        write_shard(path, tokens)
    return paths


def bytes_beside(shard: Path, counts: list[int]) -> Path:
    path = shard.with_name(shard.name.replace("_val_", "_val_bytes_"))
    write_shard(path, counts)
    return path


def test_without_byte_files_the_tokenizer_counts(shards: list[Path], tokenizer: Tokenizer) -> None:
    texts = read_texts(shards, tokenizer)
    documents = [[1, 300, 301, 1], [1, 302, 303, 1], [1, 304]]
    assert [one.tolist() for one in texts.documents] == documents
    assert [one.tolist() for one in texts.counts] == [tokenizer.byte_counts(np.array(d)).tolist() for d in documents]
    assert texts.num_bytes == [len(tokenizer.decode(document[1:]).encode()) for document in documents]
    assert with_byte_files(shards) == shards


def test_byte_files_replace_the_tokenizers_counts(shards: list[Path], tokenizer: Tokenizer) -> None:
    files = [bytes_beside(shard, counts) for shard, counts in zip(shards, BYTES, strict=True)]
    texts = read_texts(shards, tokenizer)
    assert [one.tolist() for one in texts.documents] == [[1, 300, 301, 1], [1, 302, 303, 1], [1, 304]]
    assert [one.tolist() for one in texts.counts] == [[4, 5, 0], [6, 7, 0], [8]]
    assert texts.num_bytes == [9, 13, 8]
    assert byte_files(shards) == files
    assert with_byte_files(shards) == [*shards, *files]


def test_byte_files_that_do_not_fit_their_shards_are_input_errors(shards: list[Path], tokenizer: Tokenizer) -> None:
    first = bytes_beside(shards[0], BYTES[0])
    with pytest.raises(InputError, match=r"1 of 2 shards have a \*_val_bytes_\*\.bin beside them; expected all"):
        read_texts(shards, tokenizer)
    with pytest.raises(InputError, match=r"_val_bytes_000000\.bin: holds byte counts"):
        read_texts([first], tokenizer)
    bytes_beside(shards[1], BYTES[1][:-1])
    with pytest.raises(
        InputError, match=r"_val_bytes_000001\.bin: byte counts of 2 tokens; expected 3, as in it's_val_000001\.bin"
    ):
        read_texts(shards, tokenizer)


def test_documents_without_text_are_an_input_error(tokenizer: Tokenizer) -> None:
    texts = count_texts([np.array([1, 1]), np.array([1, *tokenizer.encode("The union is strong.")])], tokenizer)
    assert texts.num_bytes == [0, 20]
    require_text(texts.num_bytes, "it")
    for nothing in (texts.num_bytes[:1], []):
        with pytest.raises(InputError, match="it: its documents have no text; bits per byte need at least one byte"):
            require_text(nothing, "it")
