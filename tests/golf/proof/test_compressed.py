"""The compressed file: round trips, and one-line errors for invalid files."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import InputError
from golf.proof.compressed import MAGIC, MAX_TOKENS, Container, unpack

LENGTHS = st.lists(st.integers(2, 100_000), max_size=6).map(tuple)
WORDS = st.lists(st.integers(0, 2**32 - 1), max_size=6)


def container_of(lengths: tuple[int, ...] = (2, 300), words: list[int] | None = None) -> Container:
    coded = np.array([7, 2**32 - 1] if words is None else words, np.uint32)
    return Container(artifact=b"ARTI", settings=b"SETT", checksum=12345, lengths=lengths, words=coded)


@given(lengths=LENGTHS, words=WORDS)
def test_a_container_round_trips(lengths: tuple[int, ...], words: list[int]) -> None:
    made = container_of(lengths, words)
    found = unpack(made.pack(), "file")
    assert found.words.tolist() == words
    assert (found.artifact, found.settings, found.checksum, found.lengths) == (b"ARTI", b"SETT", 12345, lengths)


def test_lengths_have_seven_bits_per_byte() -> None:
    made = container_of((127, 128, 16383, 16384))
    assert made.length_bytes == 1 + 2 + 2 + 3
    assert made.message_bytes == 8 + 2 * 4
    assert len(made.pack()) - made.message_bytes == 4 + 4 + 4 + 4 + 4 + 1  # 21 bytes identify the file


@given(place=st.integers(0, 32), bit=st.integers(0, 7))
def test_a_flipped_bit_is_detected(place: int, bit: int) -> None:
    content = bytearray(container_of().pack())
    assert len(content) == 32
    content[place % 32] ^= 1 << bit
    with pytest.raises(InputError, match=r"file: (truncated or damaged|not a file of compressed documents)"):
        unpack(bytes(content), "file")


@given(length=st.integers(0, 31))
def test_a_truncated_file_is_detected(length: int) -> None:
    with pytest.raises(InputError, match=r"file: (truncated or damaged|not a file of compressed documents)"):
        unpack(container_of().pack()[:length], "file")


def with_checksum(rest: bytes) -> bytes:
    """A file whose checksum is right, as whoever means harm would write it."""
    return MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"", "not a file"),
        (bytes(12), "a count in it is incomplete"),
        (bytes(12) + b"\xff" * 9, "a count in it is incomplete"),
        (bytes(12) + b"\xff\xff\xff\xff\x7f" + b"\x02" * 9, "a count in it is incomplete"),  # 2³⁵ documents in 9 bytes
        (bytes(12) + b"\x01\x01", "2 to"),  # a document without a prediction
        (bytes(12) + b"\x01\x05abc", "whole words"),
        (bytes(12) + b"\x01\xff\xff\xff\xff\x7f", f"2 to {MAX_TOKENS}"),  # more tokens than are taken memory for
    ],
)
def test_a_hostile_file_is_an_input_error(rest: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        unpack(with_checksum(rest), "file")


@given(rest=st.binary(max_size=60))
def test_any_bytes_are_a_container_or_a_one_line_error(rest: bytes) -> None:
    try:
        found = unpack(with_checksum(bytes(12) + rest), "file")
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert found.length_bytes <= len(rest)
