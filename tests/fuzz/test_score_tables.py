"""Hostile score tables: Parquet files changed anywhere, with other schemas, codecs and numbers of rows."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.scores import SCHEMA, read_table, write_table
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import mutate

ROWS = 200


def test_every_changed_score_table_is_refused_or_a_table_of_numbers() -> None:
    numbers = np.arange(ROWS)
    content = write_table(numbers.tolist(), numbers * 1.5, numbers, numbers * 3)

    def attempt(chance: random.Random) -> None:
        changed = mutate(content, chance) if chance.random() < 0.8 else _make_other(chance)
        if not is_refused(lambda: read_table(changed)):
            table = read_table(changed)
            assert table.schema.equals(SCHEMA)
            assert all(len(column) == table.num_rows for column in table.columns)

    fuzz(attempt, name="score table", attempts=125)


def _make_other(chance: random.Random) -> bytes:
    """Few bytes for many rows, values that are missing, or other columns."""
    rows = chance.choice([0, 1, 2**20, 2**23])
    columns = {name: pa.repeat(pa.scalar(0, kind.type), rows) for name, kind in zip(SCHEMA.names, SCHEMA, strict=True)}
    if chance.random() < 0.3:
        columns["nll"] = pa.nulls(rows, pa.float64())
    if chance.random() < 0.3:
        columns["more"] = columns["nll"]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression=chance.choice(["snappy", "zstd", "gzip", "none"]))
    return bytes(sink.getvalue())
