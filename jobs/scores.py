"""Score tables: one row per document, as Parquet; evaluations are split into shards of documents."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from golf.errors import InputError, shown, shown_name
from golf.limits import MAX_DOCUMENTS

if TYPE_CHECKING:
    from golf.model.gpt import ModelConfig
    from golf.ttt.config import EvalConfig

SCHEMA = pa.schema([("document", pa.int64()), ("nll", pa.float64()), ("tokens", pa.int64()), ("bytes", pa.int64())])
"""document: index in the set; nll: total in nats; tokens: predictions; bytes: UTF-8 bytes of the text predicted."""
COMPRESSIONS = frozenset({"SNAPPY", "UNCOMPRESSED"})
"""What `write_table` writes. With these a page has at most 64 times its size in the file; others have no such bound."""
SHARD_FLOPS = {"cpu": 4e10, "cuda": 4e14}
"""Work of one shard: a few seconds on a core or an H100, so that little is lost when a worker dies."""


def cut_shards(lengths: Sequence[int], config: "EvalConfig", model: "ModelConfig", device: str) -> list[list[int]]:
    """Split documents into shards of about equal work, with similar lengths together.

    Args:
        lengths: predictions of each document.
        config: how they are evaluated.
        model: the model's shape.
        device: "cpu" or "cuda".

    Returns:
        Indices of documents; every document is in exactly one shard. The result depends only on the arguments.
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
    """Deal shards to workers in turn; returns only workers that have some."""
    return [part for part in ([*indices[worker::workers]] for worker in range(workers)) if part]


def write_table(
    documents: Sequence[int], nll: NDArray[np.float64], tokens: NDArray[np.int64], num_bytes: NDArray[np.int64]
) -> bytes:
    """Encode a table as the content of a Parquet file; all arguments have one item per document."""
    table = pa.table({"document": documents, "nll": nll, "tokens": tokens, "bytes": num_bytes}, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def read_table(content: bytes) -> pa.Table:
    """Decode a table.

    Raises:
        InputError: the content is no Parquet table with this schema, damaged, or has more rows than any validation set.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))  # read_table would import pandas
        if not file.schema_arrow.equals(SCHEMA):
            raise InputError(f"scores: columns are {shown(file.schema_arrow.names)}, expected {SCHEMA.names}")
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        used = {group.column(index).compression for group in groups for index in range(group.num_columns)}
        if not used <= COMPRESSIONS:
            raise InputError(f"scores: compressed with {', '.join(sorted(used))}; expected {sorted(COMPRESSIONS)[0]}")
        batches, rows = [], 0
        for batch in file.iter_batches():  # a few bytes may claim any number of rows, and hold them
            rows += batch.num_rows
            if rows > MAX_DOCUMENTS:
                raise InputError(f"scores: over {MAX_DOCUMENTS} documents; expected fewer")
            batches.append(batch)
        table = pa.Table.from_batches(batches, SCHEMA)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"scores: not a Parquet table, or damaged ({shown_name(str(error))})") from None
    if any(column.null_count for column in table.columns):
        raise InputError("scores: a value is missing; expected numbers")
    return table


def merge_shards(contents: Iterable[bytes]) -> tuple[bytes, dict[str, float]]:
    """Merge the shards of an evaluation, sorted by document.

    Returns:
        The content of the whole table, and its totals: nll (nats), tokens, bytes, documents.

    Raises:
        InputError: a document is missing or occurs twice.
    """
    table = pa.concat_tables([read_table(content) for content in contents]).sort_by("document")
    documents = table["document"].to_numpy()
    if not np.array_equal(documents, np.arange(len(documents))):
        raise InputError(f"scores: documents {documents.tolist()[:5]}… of {len(documents)}; expected each exactly once")
    columns = {name: table[name].to_numpy() for name in ("nll", "tokens", "bytes")}
    content = write_table(documents.tolist(), columns["nll"], columns["tokens"], columns["bytes"])
    totals = {"nll": math.fsum(columns["nll"]), "documents": len(documents)}
    return content, totals | {name: int(columns[name].sum()) for name in ("tokens", "bytes")}
