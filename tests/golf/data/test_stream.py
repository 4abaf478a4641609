"""Shards as one stream, compared with their concatenation."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.data.stream import Stream
from golf.data.tokens import split_documents, write_shard
from golf.errors import InputError

SHARDS = st.lists(st.lists(st.integers(0, 4), max_size=6), min_size=1, max_size=5)


def stream_of(shards: list[list[int]]) -> tuple[Stream, np.ndarray]:
    arrays = [np.array(shard, np.uint16) for shard in shards]
    return Stream(arrays), np.concatenate(arrays)


@given(shards=SHARDS, start=st.integers(0, 60), count=st.integers(0, 40))
def test_a_stream_reads_like_its_wrapped_concatenation(shards: list[list[int]], start: int, count: int) -> None:
    stream, whole = stream_of(shards)
    assert len(stream) == len(whole)
    if len(whole):
        found = stream.read(start, count)
        assert found.dtype == np.int64
        assert found.tolist() == np.take(whole, np.arange(start, start + count), mode="wrap").tolist()


@given(shards=SHARDS, place=st.integers(0, 29))
def test_the_digest_does_not_depend_on_how_shards_are_cut(shards: list[list[int]], place: int) -> None:
    stream, whole = stream_of(shards)
    assert stream.digest() == Stream([whole]).digest() != Stream([whole, np.array([5], np.uint16)]).digest()
    if place < len(whole):
        changed = whole.copy()
        changed[place] += 1
        assert Stream([changed]).digest() != stream.digest()


def test_the_digest_of_a_large_stream_covers_windows_all_along_it() -> None:
    tokens, changed = np.broadcast_to(np.uint16(7), 40_000_000), np.full(50_000, 8, np.uint16)  # a window every 39,062
    whole = Stream([tokens]).digest()
    for place in (0, 20_000_000, len(tokens) - len(changed)):
        assert Stream([tokens[:place], changed, tokens[place + len(changed) :]]).digest() != whole


@pytest.mark.parametrize("shard", [np.ones((2, 3), np.int64), np.ones(4)])
def test_a_shard_must_be_a_row_of_integers(shard: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"training tokens: shape .* expected one row of integers"):
        Stream([shard])


@given(shards=SHARDS, documents=st.integers(0, 6))
def test_the_last_documents_are_held_out_of_training(shards: list[list[int]], documents: int) -> None:
    stream, whole = stream_of(shards)
    starts = np.flatnonzero(whole == 1)
    if documents and len(starts) <= documents:
        with pytest.raises(InputError, match="leaves none"):
            stream.hold_out(documents)
        return
    cut = int(starts[-documents]) if documents else len(whole)
    kept, held = stream.hold_out(documents)
    assert np.concatenate(kept.shards).tolist() == whole[:cut].tolist()
    assert [one.tolist() for one in held] == [one.tolist() for one in split_documents(whole[cut:])]


def test_no_shard_is_copied(tmp_path: Path) -> None:
    paths = [tmp_path / f"x_train_{number}.bin" for number in range(2)]
    for path in paths:
        write_shard(path, np.tile(np.array([1, 2, 3, 4], np.uint16), 250_000))  # 2 MB
    tracemalloc.start()
    kept, held = Stream.open(paths).hold_out(3)
    kept.read(999_990, 100)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 100_000
    assert [one.tolist() for one in held] == [[1, 2, 3, 4, 1], [1, 2, 3, 4, 1], [1, 2, 3, 4]]
