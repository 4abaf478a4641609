"""Claims of a table of results: `claims.json` in a record's folder or beside it.

It is a list of objects, one for each row of the table, such as

    {"row": 5, "folder": "records/05-muonh", "steps": 3325, "mean": 3.2782, "n": 10, "significant": true,
     "date": "2026-04-30"}

`folder` is a path of which the last names must be the record's; every other field may be missing, as may `seconds`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from sweeps.records.reading.files import UnreadableFile, load_json
from sweeps.records.reading.values import read_count, read_number

CLAIMS = "claims.json"
MOST_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TableClaim:
    """A row of a table of results; None for what it does not say."""

    row: int | None = None
    """Its number, which orders records of one day."""
    steps: int | None = None
    seconds: Decimal | None = None
    mean: Decimal | None = None
    n: int | None = None
    significant: bool | None = None
    date: str | None = None
    """YYYY-MM-DD."""


def find_claim(record: Path, part: str | None, oddities: list[str]) -> TableClaim | None:
    """What the nearest table of results says of a record, or of a part of it; None where none names it.

    Args:
        record: the record's folder.
        part: name of the subfolder that is the entry.
        oddities: gets a line for a table that cannot be read.
    """
    for place in (record, record.parent):
        if (place / CLAIMS).is_file() and not (place / CLAIMS).is_symlink():
            try:
                rows = load_json(place / CLAIMS, oddities)
            except UnreadableFile as why:
                oddities.append(f"{CLAIMS}: {why}")
                continue
            if not isinstance(rows, list):
                oddities.append(f"{CLAIMS}: not a list; expected one object for each row of a table of results")
                continue
            named = list(_list_matching(rows[:MOST_ROWS], record.resolve().name, part))
            if len(named) > 1:
                oddities.append(f"{CLAIMS}: {len(named)} rows name this folder; none was taken")
            return _read(named[0]) if len(named) == 1 else None
    return None


def _list_matching(rows: list[Any], record: str, part: str | None) -> Iterator[Mapping[str, Any]]:
    """The rows of an entry: those of its part if there are any, else those of the record."""
    tables = [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("folder"), str)]
    paths = [PurePosixPath(row["folder"]).parts for row in tables]
    of_part = [row for row, path in zip(tables, paths, strict=True) if path[-2:] == (record, part)]
    yield from of_part or (row for row, path in zip(tables, paths, strict=True) if path[-1:] == (record,))


def _read(row: Mapping[str, Any]) -> TableClaim:
    significant = row.get("significant")
    return TableClaim(
        row=read_count(row.get("row")),
        steps=read_count(row.get("steps")),
        seconds=read_number(row.get("seconds")),
        mean=read_number(row.get("mean")),
        n=read_count(row.get("n")),
        significant=significant if isinstance(significant, bool) else None,
        date=_read_date(row.get("date")),
    )


def _read_date(value: Any) -> str | None:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return None
