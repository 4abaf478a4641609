"""Shards and tokenizers that claim more than they hold: refused in one line, before memory is taken or time is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from golf.data import tokens
from golf.data.texts import read_texts
from golf.data.tokens import MAX_SHARD_TOKENS, Tokenizer, digest_files, find_starts, read_shard, split_documents
from golf.errors import InputError
from golf.selftest import BUNDLED
from tests.guarded import run_guarded

MODEL = BUNDLED[0] / "sp1024.model"
LITTLE = 64 * 2**20


def sparse(path: Path, claimed: int, size: int) -> Path:
    """A shard of zeros that takes no room on the disk."""
    header = np.zeros(tokens.HEADER_WORDS, "<i4")
    header[:3] = tokens.MAGIC, tokens.VERSION, claimed
    path.write_bytes(header.tobytes())
    os.truncate(path, size)
    return path


@pytest.mark.parametrize(
    ("claimed", "size", "message"),
    [
        (2**31 - 1, 1024 + 2 * (2**31 - 1), rf"its header says 2147483647 tokens; expected at most {MAX_SHARD_TOKENS}"),
        (2**30, 4 * 2**30, "its header says 1073741824 tokens, which take 2147484672 bytes"),
        (5, 4 * 2**30, "its header says 5 tokens, which take 1034 bytes"),
        (-1, 4 * 2**30, "its header says -1 tokens"),
        (MAX_SHARD_TOKENS + 1, 1024 + 2 * (MAX_SHARD_TOKENS + 1), f"expected at most {MAX_SHARD_TOKENS}"),
    ],
)
def test_a_sparse_shard_of_gigabytes_is_refused_unread(tmp_path: Path, claimed: int, size: int, message: str) -> None:
    path = sparse(tmp_path / "a_val_0.bin", claimed, size)

    def read() -> None:
        with pytest.raises(InputError, match=message) as error:
            read_texts([path], Tokenizer(MODEL))
        assert "\n" not in str(error.value)

    run_guarded([read], most_bytes=LITTLE)


def test_a_shard_of_zeros_holds_no_document_and_takes_no_memory_to_find_that_out(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a_val_0.bin", 2**27, 1024 + 2**28)

    def read() -> None:
        assert split_documents(read_shard(path)) == []

    run_guarded([read], most_bytes=2**28 + LITTLE)  # 256 MiB of addresses are the mapped file's


def test_starts_are_the_same_in_parts_and_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.random.default_rng(0).integers(0, 3, 1000)
    monkeypatch.setattr(tokens, "_SCANNED_TOKENS", 7)
    assert find_starts(stream).tolist() == np.flatnonzero(stream == tokens.BOS).tolist()
    assert find_starts(stream[:0]).tolist() == []


def test_more_documents_than_any_stream_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_DOCUMENTS", 3)
    assert len(split_documents(np.array([1, 2] * 3))) == 3
    with pytest.raises(InputError, match="4 documents; expected at most 3"):
        split_documents(np.array([1, 2] * 4))


def test_a_tokenizer_with_a_piece_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    content, piece = MODEL.read_bytes(), "▁the".encode()
    assert content.count(piece) >= 1
    path = tmp_path / "bad.model"
    path.write_bytes(content.replace(piece, b"\xff\xfe" + piece[2:], 1))
    with pytest.raises(InputError, match=r"bad\.model: damaged; it has a piece that is not UTF-8") as error:
        Tokenizer(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "read", [read_shard, Tokenizer, lambda path: digest_files([path])], ids=["shard", "tokenizer", "digest"]
)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str, read: Callable[[Path], object]) -> None:
    path = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "folder": tmp_path}[kind]
    if kind == "pipe":
        os.mkfifo(path)

    def attempt() -> None:
        with pytest.raises(InputError, match=r": not a file; expected "):
            read(path)

    run_guarded([attempt], most_bytes=LITTLE)


def test_a_tokenizer_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "big.model").touch()
    os.truncate(tmp_path / "big.model", 8 * 2**30)

    def read() -> None:
        with pytest.raises(
            InputError, match=r"big\.model: 8589934592 bytes; expected a SentencePiece \.model of at most"
        ):
            Tokenizer(tmp_path / "big.model")

    run_guarded([read], most_bytes=LITTLE)
