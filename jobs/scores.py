"""Scores as tables: one row a document, kept as Parquet, cut into shards that are a pure function of the documents."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from golf.errors import InputError

if TYPE_CHECKING:
    from golf.model.gpt import ModelConfig
    from golf.ttt.config import EvalConfig

SCHEMA = pa.schema([("document", pa.int64()), ("nll", pa.float64()), ("tokens", pa.int64()), ("bytes", pa.int64())])
"""document: place in the set; nll: nats; tokens: predictions; bytes: UTF-8 bytes predicted."""
SHARD_FLOPS = {"cpu": 4e10, "cuda": 4e14}
"""Work of one shard: some seconds of a core, or of an H100, so that little is lost when a worker dies."""


def cut_shards(lengths: Sequence[int], config: "EvalConfig", model: "ModelConfig", device: str) -> list[list[int]]:
    """Cut documents (by their predictions) into shards of about equal work, similar lengths together.

    Every document is in exactly one shard; the cut depends on nothing but the arguments.
    """
    from golf.flops import document_flops  # imports torch, which reading a table does not need

    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    total = sum(document_flops(length, config, model) for length in lengths)
    target = total / max(1, math.ceil(total / SHARD_FLOPS[device]))
    shards: list[list[int]] = []
    work = math.inf
    for index in order:
        if work >= target * (1 - 1e-9):
            shards.append([])
            work = 0.0
        shards[-1].append(index)
        work += document_flops(lengths[index], config, model)
    return shards


def share_shards(indices: Sequence[int], workers: int) -> list[list[int]]:
    """Deal shards to workers in turn; workers without any are left out."""
    return [part for part in ([*indices[worker::workers]] for worker in range(workers)) if part]


def write_table(
    documents: Sequence[int], nll: NDArray[np.float64], tokens: NDArray[np.int64], num_bytes: NDArray[np.int64]
) -> bytes:
    """One table as the content of a Parquet file."""
    table = pa.table({"document": documents, "nll": nll, "tokens": tokens, "bytes": num_bytes}, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def read_table(content: bytes) -> pa.Table:
    """Read a table back.

    Raises:
        InputError: the content is not such a table.
    """
    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read()  # read_table would import pandas
    except pa.ArrowInvalid as error:
        raise InputError(f"scores: not a Parquet table ({error})") from None
    if not table.schema.equals(SCHEMA):
        raise InputError(f"scores: columns are {table.schema.names}, expected {SCHEMA.names}")
    return table


def merge_shards(contents: Iterable[bytes]) -> tuple[bytes, dict[str, float]]:
    """Put an evaluation's shards together in the order of the documents.

    Returns:
        The whole table, and its totals: nll (nats), tokens, bytes, documents.

    Raises:
        InputError: a document is missing or there twice.
    """
    table = pa.concat_tables([read_table(content) for content in contents]).sort_by("document")
    found = table["document"].to_numpy()
    if not np.array_equal(found, np.arange(len(found))):
        raise InputError(f"scores: documents {found.tolist()[:5]}… of {len(found)}; each must be there once")
    columns = {name: table[name].to_numpy() for name in ("nll", "tokens", "bytes")}
    content = write_table(found.tolist(), columns["nll"], columns["tokens"], columns["bytes"])
    totals = {"nll": math.fsum(columns["nll"]), "documents": len(found)}
    return content, totals | {name: int(columns[name].sum()) for name in ("tokens", "bytes")}
