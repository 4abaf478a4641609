"""Scores as tables, and shards as a pure function of the documents."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import InputError
from golf.flops import document_flops
from golf.model.gpt import ModelConfig
from golf.ttt.engine import EvalConfig
from jobs.scores import cut_shards, merge_shards, read_table, share_shards, write_table

MODEL = ModelConfig()
LENGTHS = st.lists(st.integers(1, 20_000), min_size=1, max_size=40)


@settings(derandomize=True, deadline=None)
@given(LENGTHS, st.sampled_from(["none", "score-first", "min-epoch"]), st.integers(1, 8))
def test_every_document_is_in_exactly_one_shard(lengths: list[int], protocol: str, epochs: int) -> None:
    config = EvalConfig(protocol=protocol, epochs=epochs)  # type: ignore[arg-type]
    shards = cut_shards(lengths, config, MODEL, "cpu")
    assert sorted(index for shard in shards for index in shard) == list(range(len(lengths)))
    assert cut_shards(list(lengths), config, MODEL, "cpu") == shards


@settings(derandomize=True)
@given(st.lists(st.integers(0, 99), unique=True), st.integers(1, 9))
def test_shards_are_dealt_to_workers_without_loss(indices: list[int], workers: int) -> None:
    parts = share_shards(indices, workers)
    assert sorted(index for part in parts for index in part) == sorted(indices)
    assert len(parts) <= workers
    assert all(parts)


def test_more_epochs_and_smaller_chunks_are_more_work() -> None:
    base = document_flops(4096, EvalConfig(), MODEL)
    assert document_flops(4096, EvalConfig(epochs=3), MODEL) > 2.5 * base
    assert document_flops(4096, EvalConfig(chunk=64), MODEL) > 2 * base
    assert document_flops(4096, EvalConfig(protocol="none", adapters=()), MODEL) < base


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=20))
def test_merged_shards_hold_every_document_in_order_and_sum_up(rows: list[tuple[float, int, int]]) -> None:
    nll, tokens, num_bytes = (np.array(column) for column in zip(*rows, strict=True))
    indices = np.random.default_rng(0).permutation(len(rows))
    halves = [half for half in np.array_split(indices, 2) if len(half)]
    contents = [write_table(half.tolist(), nll[half], tokens[half], num_bytes[half]) for half in halves]
    content, totals = merge_shards(contents)
    table = read_table(content)
    assert table["document"].to_pylist() == list(range(len(rows)))
    assert table["nll"].to_pylist() == nll.tolist()
    assert totals == {
        "nll": math.fsum(nll), "documents": len(rows), "tokens": int(tokens.sum()), "bytes": int(num_bytes.sum())
    }  # fmt: skip


def one_row(document: int) -> bytes:
    return write_table([document], np.array([1.0]), np.array([2]), np.array([3]))


def test_a_document_that_is_missing_or_there_twice_is_an_error() -> None:
    with pytest.raises(InputError, match="expected each exactly once"):
        merge_shards([one_row(0), one_row(2)])
    with pytest.raises(InputError, match="expected each exactly once"):
        merge_shards([one_row(0), one_row(0)])


def test_a_table_of_something_else_is_an_error() -> None:
    with pytest.raises(InputError, match="not a Parquet table"):
        read_table(b"PAR1 not really")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": [1]}), sink)
    with pytest.raises(InputError, match="columns are"):
        read_table(bytes(sink.getvalue()))
