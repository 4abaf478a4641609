"""Filling a database with very many sweeps and jobs: `python -m benchmarks.load.fill URL FILES`."""

import json
import sys
import time
from typing import Any

from sqlalchemy import JSON, Engine, Table, create_engine, text

from benchmarks.load.rows import copy_sweep, play_templates, unique_rows
from jobs.files import FileStore
from jobs.store import Store

SWEEPS, RUNS = 200, 100_000
TEMPLATES = 3
RUNNING = 20
"""The latest sweeps, which still run."""


def fill(url: str, files: str, sweeps: int = SWEEPS, runs: int = RUNS) -> None:
    """Write so many sweeps with so many jobs in all."""
    Store.open(url).close()  # makes the tables
    templates, seen = play_templates(TEMPLATES, FileStore(files)), set[str]()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    started = time.monotonic()
    for number in range(sweeps):
        rows = copy_sweep(
            templates[number % TEMPLATES], number, runs // sweeps, running=number >= sweeps - min(RUNNING, sweeps)
        )
        _write(engine, rows, seen)
        if number % 20 == 19:
            print(f"{number + 1} sweeps after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _write(engine: Engine, rows: Any, seen: set[str]) -> None:
    with engine.begin() as connection:
        for table, part in unique_rows(rows, seen):
            if part and engine.dialect.name == "postgresql":
                _copy(connection.connection.cursor(), table, part)
            elif part:
                connection.execute(table.insert(), part)


def _copy(cursor: Any, table: Table, rows: list[dict[str, Any]]) -> None:
    """PostgreSQL's own way to take many rows at once."""
    columns = [column for column in table.columns if column.name in rows[0]]
    names = ", ".join(f'"{column.name}"' for column in columns)
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            values = [row[column.name] for column in columns]
            copy.write_row([
                json.dumps(value) if isinstance(column.type, JSON) and value is not None else value
                for column, value in zip(columns, values, strict=True)
            ])  # fmt: skip


if __name__ == "__main__":
    fill(*sys.argv[1:3])
